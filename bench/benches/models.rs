//! The five families side by side in criterion: one round trip of 16 clients that all ask and then all wait.
//!
//! Real processes, real sockets, unpinned: for regressions of a model (`--save-baseline main`, then
//! `--baseline main`), not for comparing models: that is what `fiveways run` is for.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const CLIENTS: usize = 16;
const MESSAGE: [u8; 64] = [b'5'; 64];
const MODELS: [&str; 5] = [
    "fork-per-connection",
    "prefork",
    "thread-per-connection",
    "thread-pool",
    "event-loop",
];

/// A server that ends with its handle.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // Its workers follow their parent.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts `echo-server`, which stands beside fiveways once that has built it.
fn start(model: &str) -> (Server, Vec<TcpStream>) {
    let fiveways = Path::new(env!("CARGO_BIN_EXE_fiveways"));
    let mut child = Command::new(fiveways.with_file_name("echo-server"))
        .args([model, "--port", "0", "--workers", &CLIENTS.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .expect("echo-server stands beside fiveways");
    let stdout = child.stdout.take().expect("it was asked for as a pipe");
    let server = Server(child);
    let mut line = String::new();
    BufReader::new(stdout)
        .read_line(&mut line)
        .expect("it says where it listens");
    let address = line
        .trim()
        .strip_prefix("listening on ")
        .expect("it says where it listens")
        .to_owned();
    let clients = (0..CLIENTS)
        .map(|_| {
            let client = TcpStream::connect(&address).expect("it accepts");
            client.set_nodelay(true).expect("a TCP socket");
            client
                .set_read_timeout(Some(Duration::from_secs(10)))
                .expect("a TCP socket");
            client
        })
        .collect();
    (server, clients)
}

/// Time of `requests` round trips, rounded up to whole rounds of all clients and scaled back.
fn round_trips(clients: &mut [TcpStream], requests: u64) -> Duration {
    let rounds = requests.div_ceil(CLIENTS as u64);
    let mut reply = [0; MESSAGE.len()];
    let begun = Instant::now();
    for _ in 0..rounds {
        for client in &mut *clients {
            client.write_all(&MESSAGE).expect("the server lives");
        }
        for client in &mut *clients {
            client.read_exact(&mut reply).expect("the server answers");
            assert_eq!(reply, MESSAGE);
        }
    }
    begun
        .elapsed()
        .mul_f64(requests as f64 / (rounds * CLIENTS as u64) as f64)
}

fn models(criterion: &mut Criterion) {
    let built = Command::new(env!("CARGO_BIN_EXE_fiveways"))
        .args(["list", "--json"])
        .output();
    assert!(
        built.is_ok_and(|output| output.status.success()),
        "fiveways builds echo-server"
    );
    let mut group = criterion.benchmark_group("round_trip");
    group.throughput(Throughput::Elements(1));
    for model in MODELS {
        let (_server, mut clients) = start(model);
        group.bench_function(BenchmarkId::from_parameter(model), |bencher| {
            bencher.iter_custom(|requests| round_trips(&mut clients, requests));
        });
    }
    group.finish();
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20).measurement_time(Duration::from_secs(3));
    targets = models
}
criterion_main!(benches);
