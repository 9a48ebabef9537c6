//! Three hosts in network namespaces of this machine, joined by veth, for root: `ip netns exec` as the launcher, then
//! OpenSSH with a daemon in each. What cannot be made here is skipped with the cause.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use record::Outcome;

use super::{fiveways, rate, record_cpus, text};
use crate::support::{Place, passes, rr, wait_for};

/// Where the server is found, an address of its own loopback, so that every load host finds it in the same place.
pub(super) const SERVICE: &str = "10.77.0.1";

/// A server's namespace and two of load hosts, a cable from each to the server's.
pub(super) struct Net {
    pub(super) names: [String; 3],
}

pub(super) fn ip(words: &str) -> Result<(), String> {
    let made = Command::new("ip").args(words.split_whitespace()).output();
    let made = made.map_err(|error| format!("ip (iproute2) cannot be run: {error}"))?;
    match made.status.success() {
        true => Ok(()),
        false => Err(format!(
            "ip {words}: {}",
            String::from_utf8_lossy(&made.stderr).trim()
        )),
    }
}

impl Net {
    /// `None`, with the cause on standard output, where this machine or this user may not.
    pub(super) fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = |part: &str| format!("fw{}n{number}{part}", std::process::id());
        let net = Net {
            names: [name("s"), name("a"), name("b")],
        };
        match net.make() {
            Ok(()) => Some(net),
            Err(cause) => {
                println!("skipped: {cause}");
                None
            }
        }
    }

    fn make(&self) -> Result<(), String> {
        let [server, ..] = &self.names;
        for name in &self.names {
            ip(&format!("netns add {name}"))?;
            ip(&format!("-n {name} link set lo up"))?;
        }
        ip(&format!("-n {server} addr add {SERVICE}/32 dev lo"))?;
        for (number, load) in (1..).zip(&self.names[1..]) {
            ip(&format!(
                "link add v{number} netns {server} type veth peer name v0 netns {load}"
            ))?;
            ip(&format!(
                "-n {server} addr add 10.77.{number}.1/24 dev v{number}"
            ))?;
            ip(&format!("-n {load} addr add 10.77.{number}.2/24 dev v0"))?;
            ip(&format!("-n {server} link set v{number} up"))?;
            ip(&format!("-n {load} link set v0 up"))?;
            ip(&format!(
                "-n {load} route add {SERVICE}/32 via 10.77.{number}.1"
            ))?;
        }
        Ok(())
    }

    /// A file of hosts with this launcher; hosts are named as it knows them.
    pub(super) fn hosts(
        &self,
        place: &Place,
        launcher: &[&str],
        names: &[&str],
        loads: usize,
    ) -> PathBuf {
        let cpus = record_cpus();
        let mut text = format!(
            "launcher = {launcher:?}\nlease = \"2s\"\n[server]\nhost = \"{}\"\naddress = \"{SERVICE}\"\ncpus = [{}]\n",
            names[0], cpus.0
        );
        for name in &names[1..=loads] {
            text.push_str(&format!(
                "[[load]]\nhost = \"{name}\"\ncpus = [{}]\n",
                cpus.1
            ));
        }
        place.write("hosts.toml", &text)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for name in &self.names {
            // It was never made, perhaps.
            let _ = ip(&format!("netns del {name}"));
        }
    }
}

fn measure(place: &Place, hosts: &std::path::Path, scenarios: &str) -> (Output, record::Results) {
    let contenders = place.echo_servers(&[("one", &format!("event-loop --listen {SERVICE}"))]);
    let (hosts, contenders) = (text(hosts), text(&contenders));
    place.measure(
        scenarios,
        &[
            "--hosts",
            &hosts,
            "--contenders",
            &contenders,
            "--only",
            "^one$",
        ],
    )
}

fn assert_measured(output: &Output, results: &record::Results, loads: usize) {
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(results.run.load_hosts.len(), loads);
    for pass in passes(results, "one", "rr") {
        assert_eq!(pass.outcome, Outcome::Ok, "{:?}", pass.cause);
        assert_eq!(pass.load.len(), loads);
        assert!(
            pass.usage.after.is_some(),
            "counters come from the server's host"
        );
        assert!(pass.load.iter().all(|part| part.round_trips_ns.len() == 10));
    }
}

#[test]
fn a_server_and_a_load_host_in_namespaces_of_their_own() {
    let Some(net) = Net::new() else { return };
    let place = Place::new();
    let program = fiveways();
    let names = net.names.each_ref().map(String::as_str);
    let launcher = ["ip", "netns", "exec", "{host}", &program, "agent"];
    let hosts = net.hosts(&place, &launcher, &names, 1);
    let (output, results) = measure(&place, &hosts, &rr("rr", 6, "20ms", "60ms", 2));
    assert_measured(&output, &results, 1);
    place.assert_nothing_left(&[]);
}

#[test]
fn a_network_is_delayed_or_its_cells_say_why_not() {
    let Some(net) = Net::new() else { return };
    let place = Place::new();
    let program = fiveways();
    let names = net.names.each_ref().map(String::as_str);
    let launcher = ["ip", "netns", "exec", "{host}", &program, "agent"];
    let hosts = net.hosts(&place, &launcher, &names, 2);
    let delayed = rate("rr", 2, 100, "200ms", 1) + "network = { delay = \"10ms\" }\n";
    let (output, results) = measure(&place, &hosts, &delayed);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let pass = passes(&results, "one", "rr")[0];
    match pass.outcome {
        Outcome::Skipped => {
            let cause = &pass.cause.as_ref().expect("a cause").text;
            assert!(
                cause.contains("netem") || cause.contains("tc (iproute2)"),
                "{cause}"
            );
        }
        _ => {
            let service = pass
                .histograms
                .service
                .as_ref()
                .expect("loaded")
                .decode()
                .expect("ours");
            assert!(
                service.min() >= 10_000_000,
                "a reply is delayed by 10 ms, not {} ns",
                service.min()
            );
            assert!(
                pass.load
                    .iter()
                    .all(|it| it.round_trips_ns.iter().all(|ns| *ns >= 10_000_000))
            );
        }
    }
    place.assert_nothing_left(&[]);
}

/// A daemon of OpenSSH in each namespace, with keys of the test's.
struct Daemons {
    running: Vec<Child>,
    config: PathBuf,
}

impl Daemons {
    fn new(net: &Net, place: &Place) -> Option<Self> {
        let missing = ["/usr/sbin/sshd", "/usr/bin/ssh", "/usr/bin/ssh-keygen"]
            .into_iter()
            .find(|path| !std::path::Path::new(path).exists());
        if let Some(missing) = missing {
            println!("skipped: {missing} is not installed (openssh-server, openssh-client)");
            return None;
        }
        for name in ["host", "user"] {
            let key = text(&place.path(name));
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &key])
                .status();
            assert!(made.expect("ssh-keygen runs").success());
        }
        // Only root's may separate privileges here.
        let _ = std::fs::create_dir_all("/run/sshd");
        let daemon = place.write(
            "sshd_config",
            &format!(
                "HostKey {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n\
                 PasswordAuthentication no\nAcceptEnv FIVEWAYS_TEST\nClientAliveInterval 1\n\
                 ClientAliveCountMax 2\n",
                text(&place.path("host")),
                text(&place.path("user.pub"))
            ),
        );
        let config = place.write(
            "ssh_config",
            &format!(
                "Host *\nUser root\nIdentityFile {}\nIdentitiesOnly yes\nStrictHostKeyChecking no\n\
                 UserKnownHostsFile /dev/null\nBatchMode yes\nLogLevel ERROR\nSendEnv FIVEWAYS_TEST\n",
                text(&place.path("user"))
            ),
        );
        let start = |name: &String| {
            let mut command = Command::new("ip");
            let words = ["netns", "exec", name, "/usr/sbin/sshd", "-D", "-e", "-f"];
            command
                .args(words)
                .arg(&daemon)
                .stdin(Stdio::null())
                .stderr(Stdio::null());
            command.spawn().expect("ip runs")
        };
        let running = net.names.iter().map(start).collect();
        let daemons = Daemons { running, config };
        for name in &net.names {
            let listens = || {
                let listed = Command::new("ip")
                    .args(["netns", "exec", name, "ss", "-ltn"])
                    .output()
                    .ok()?;
                String::from_utf8_lossy(&listed.stdout)
                    .contains(":22 ")
                    .then_some(())
            };
            wait_for(listens, "sshd");
        }
        Some(daemons)
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for daemon in &mut self.running {
            let _ = daemon.kill();
            let _ = daemon.wait();
        }
    }
}

#[test]
fn over_openssh_a_run_ends_whole_and_a_cut_cable_is_a_lost_host() {
    let Some(net) = Net::new() else { return };
    let place = Place::new();
    let Some(daemons) = Daemons::new(&net, &place) else {
        return;
    };
    let (program, config) = (fiveways(), text(&daemons.config));
    // From the server's namespace, which has a cable to each.
    let [server, ..] = &net.names;
    let launcher = [
        "ip", "netns", "exec", server, "ssh", "-F", &config, "{host}", &program, "agent",
    ];
    let hosts = net.hosts(
        &place,
        &launcher,
        &["127.0.0.1", "10.77.1.2", "10.77.2.2"],
        2,
    );
    let (output, results) = measure(&place, &hosts, &rr("rr", 6, "20ms", "60ms", 2));
    assert_measured(&output, &results, 2);
    place.assert_nothing_left(&[]);

    let suite = place.suite(&rr("rr", 6, "20ms", "60ms", 900));
    let words = [
        text(&suite),
        text(&hosts),
        text(&place.path("contenders.toml")),
    ];
    let mut harness = place.command(&[
        "run",
        &words[0],
        "--hosts",
        &words[1],
        "--contenders",
        &words[2],
        "--only",
        "^one$",
        "--out",
        "cut",
    ]);
    let mut harness = harness
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("fiveways runs");
    let records = place.path("cut/records.jsonl");
    wait_for(
        || {
            std::fs::metadata(&records)
                .is_ok_and(|it| it.len() > 0)
                .then_some(())
        },
        "a pass",
    );
    ip(&format!("-n {server} link set v2 down")).expect("a cable of ours");
    assert_eq!(crate::support::ends(&mut harness).code(), Some(1));

    place.assert_nothing_left(&[]);
    let results = record::read_results(&place.path("cut")).expect("kept");
    assert!(!results.passes.is_empty());
    let broken = results.run.broken_off.expect("the plan says so");
    assert!(broken.cause.contains("load-2"), "{broken:?}");
}
