//! Memory by slope through the built program: against a server that touches so much a connection, and where
//! the host tells little.

use std::process::{Command, Stdio};

use crate::support::{BRIEFLY, Place, alone, assert_close, estimate, idle, passes, program, value};

fn line(numbers: &[u32]) -> String {
    let scenario = |number: &u32| idle(&format!("idle-{number}"), *number, "");
    numbers.iter().map(scenario).collect()
}

#[test]
fn a_server_that_touches_x_kib_a_connection_has_a_slope_of_x() {
    let _alone = alone();
    const KIB: [u32; 3] = [0, 256, 1024];
    let place = Place::new();
    let source = format!("{}/tests/servers/toucher.py", env!("CARGO_MANIFEST_DIR"));
    let entry = |kib: &u32| {
        format!(
            "[[contender]]\nname = \"touches-{kib}\"\ncommand = [\"python3\", \"{source}\", \"{{port}}\", \"{kib}\"]\n"
        )
    };
    let file = place.write("touchers.toml", &KIB.iter().map(entry).collect::<String>());
    let file = file.to_str().expect("UTF-8");
    let (output, results) = place.measure(
        &line(&[1, 20, 60]),
        &["--contenders", file, "--only", "touches"],
    );
    assert!(output.status.success(), "{output:?}");
    let summary = place.summary();
    let slope = |kib: u32, metric| value(&summary, &format!("touches-{kib}"), "idle-60", metric);
    // Python's own objects weigh some KiB a connection, and they weigh the same when nothing is touched.
    let own = slope(0, "memory_bytes_per_connection");
    assert!(own < 16_384.0, "{own}");
    for kib in [256, 1024] {
        let (touched, name) = (f64::from(kib) * 1024.0, format!("touches-{kib}"));
        let anonymous = slope(kib, "anonymous_bytes_per_connection");
        assert_close(anonymous, touched, 0.05, &name);
        let whole = slope(kib, "memory_bytes_per_connection");
        assert_close(whole - own, touched, 0.05, &name);
        // Eight bytes of page table a page.
        let tables = slope(kib, "page_table_bytes_per_connection");
        assert!(tables < touched / 100.0, "{name}: {tables}");
        assert_eq!(slope(kib, "kernel_stack_bytes_per_connection"), 0.0);
        let it = estimate(&summary, &name, "idle-60", "memory_bytes_per_connection");
        let (low, high) = it.low.zip(it.high).expect("three rounds");
        assert!(
            low <= whole && whole <= high && high - low < touched / 5.0,
            "{it:?}"
        );
        assert_eq!(it.rounds, 3);
    }
    for pass in passes(&results, "touches-256", "idle-60") {
        let host = &pass.gauges.host;
        assert!(host.empty.is_some() && host.ready.is_some() && host.connected.is_some());
    }
    place.assert_nothing_left(&[]);
}

#[test]
fn both_ends_of_a_connection_have_a_socket() {
    let _alone = alone();
    let place = Place::new();
    place.measure(&line(&[1, 1000]), &["--only", "^event-loop$"]);
    let summary = place.summary();
    let it = estimate(
        &summary,
        "event-loop",
        "idle-1000",
        "socket_bytes_per_connection",
    );
    let told = std::fs::read_to_string("/proc/slabinfo").is_ok();
    match (told, it.value) {
        // A TCP socket and its inode weigh some 3 KiB, and there are two; buffers are kept in stock.
        (true, Some(bytes)) => assert!((4_000.0..12_000.0).contains(&bytes), "{bytes}"),
        (false, Some(bytes)) => assert!(bytes < 12_000.0, "{bytes}"),
        (_, None) => panic!("{:?}", it.reason),
    }
}

/// fiveways in a mount namespace of its own, in which these are covered.
fn covered(place: &Place, covers: &str, arguments: &str) -> Command {
    let program = program();
    let mut command = Command::new("unshare");
    // Who is not root becomes one in a user namespace.
    if !nix::unistd::geteuid().is_root() {
        command.arg("--map-root-user");
    }
    command
        .args(["--mount", "sh", "-ec"])
        .arg(format!("{covers}\nexec {program} {arguments}"))
        .current_dir(place.path(""))
        .env("FIVEWAYS_LOCK", place.lock())
        .env(BRIEFLY.0, BRIEFLY.1)
        .stdin(Stdio::null());
    command
}

#[test]
fn without_cgroups_and_slabinfo_the_rest_is_right_and_the_missing_says_why() {
    let _alone = alone();
    let place = Place::new();
    let suite = place.suite(&line(&[1, 50]));
    let covers = "mount -t tmpfs none /sys/fs/cgroup\n\
                  test ! -e /proc/slabinfo || mount --bind /dev/null /proc/slabinfo";
    let arguments = format!(
        "run {} --out out --only '^thread-per-connection$'",
        suite.display()
    );
    let output = covered(&place, covers, &arguments)
        .output()
        .expect("unshare runs");
    assert!(output.status.success(), "{output:?}");
    let summary = place.summary();
    let of = |metric| estimate(&summary, "thread-per-connection", "idle-50", metric);
    let reason = |metric| {
        let it = of(metric);
        assert_eq!(it.value, None, "{metric}");
        it.reason.clone().expect("a reason")
    };
    for metric in [
        "cgroup_bytes_per_connection",
        "cgroup_kernel_bytes_per_connection",
    ] {
        assert!(reason(metric).contains("cgroup"), "{}", reason(metric));
    }
    let records = record::read_results(&place.path("out")).expect("records");
    for pass in passes(&records, "thread-per-connection", "idle-50") {
        let host = &pass.gauges.host;
        let why = &host.unavailable["caches"];
        assert!(why.contains("/proc/slabinfo"), "{why}");
        let connected = host.connected.as_ref().expect("weighed");
        assert_eq!(
            (connected.socket_object_bytes, connected.slab_object_bytes),
            (None, None)
        );
        assert!(host.caches.is_empty());
    }
    assert!(of("socket_bytes_per_connection").value.is_some());
    // Without slabinfo the slab is known as a whole; what is booked to processes needs neither.
    assert!(of("slab_bytes_per_connection").value.is_some());
    assert!(of("available_bytes_per_connection").value.is_some());
    let stacks = of("kernel_stack_bytes_per_connection").value;
    let stack = records.run.host.kernel_stack_bytes;
    assert_eq!(stacks, Some(stack as f64));
    assert!(
        of("anonymous_bytes_per_connection")
            .value
            .is_some_and(|bytes| bytes > 4_096.0)
    );
}
