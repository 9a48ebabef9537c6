"""`scripts/prove hosts`: several hosts, in network namespaces of this machine that end with it. Root, iproute2, OpenSSH.

Servers are on the last CPU, all load on the first: as in a run on one host.
"""
import collections
import contextlib
import ctypes
import fcntl

import json

import os
import pathlib
import select
import signal
import statistics
import struct
import subprocess
import tempfile
import threading
import time

SERVICE = "10.79.0.1"
NAMES = ["fwp-server", "fwp-load1", "fwp-load2", "fwp-load3"]
ADDRESSES = ["127.0.0.1", "10.79.1.2", "10.79.2.2", "10.79.3.2"]
SERVER_CPU, LOAD_CPU = os.cpu_count() - 1, 0


def ip(words):
    subprocess.run(["ip", *words.split()], check=True)


@contextlib.contextmanager
def namespaces():
    """A server's and three load hosts', a cable from each to the server's."""
    try:
        for name in NAMES:
            ip(f"netns add {name}")
            ip(f"-n {name} link set lo up")
        server = NAMES[0]
        ip(f"-n {server} addr add {SERVICE}/32 dev lo")
        for number, load in enumerate(NAMES[1:], 1):
            ip(f"link add v{number} netns {server} type veth peer name v0 netns {load}")
            ip(f"-n {server} addr add 10.79.{number}.1/24 dev v{number}")
            ip(f"-n {load} addr add 10.79.{number}.2/24 dev v0")
            ip(f"-n {server} link set v{number} up")
            ip(f"-n {load} link set v0 up")
            ip(f"-n {load} route add {SERVICE}/32 via 10.79.{number}.1")
        yield
    finally:
        for name in NAMES:
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)


@contextlib.contextmanager
def daemons(place):
    """OpenSSH in each; yields the words of a launcher."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{place}/{name}"], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    pathlib.Path(place, "sshd_config").write_text(
        f"HostKey {place}/host\nAuthorizedKeysFile {place}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\nClientAliveInterval 1\nClientAliveCountMax 2\nAcceptEnv FIVEWAYS_MARK\n")
    pathlib.Path(place, "ssh_config").write_text(
        f"Host *\nUser root\nIdentityFile {place}/user\nIdentitiesOnly yes\nStrictHostKeyChecking no\n"
        "UserKnownHostsFile /dev/null\nBatchMode yes\nLogLevel ERROR\nSendEnv FIVEWAYS_MARK\n")
    running = [subprocess.Popen(["ip", "netns", "exec", name, "/usr/sbin/sshd", "-D", "-e", "-f", f"{place}/sshd_config"],
                                stderr=subprocess.DEVNULL) for name in NAMES]
    try:
        for name in NAMES:
            while ":22 " not in subprocess.run(["ip", "netns", "exec", name, "ss", "-ltn"],
                                               capture_output=True, text=True).stdout:
                pass
        yield ["ip", "netns", "exec", NAMES[0], "ssh", "-F", f"{place}/ssh_config", "{host}"]
    finally:
        for one in running:
            one.kill()
            one.wait()


def hosts_file(path, launcher, server, loads, address=SERVICE):
    """A file of hosts."""
    cpus = f"cpus = [{LOAD_CPU}]\n"
    path.write_text(f"launcher = {json.dumps(launcher)}\n[server]\nhost = \"{server}\"\naddress = \"{address}\"\n"
                    f"cpus = [{SERVER_CPU}]\n" + "".join(f"[[load]]\nhost = \"{load}\"\n{cpus}" for load in loads))
    return path


def solo(name, connections, window, more="", pace='"closed"', workers='"connections"'):
    return (f"[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"rr\"\npace = {pace}\n"
            f"connections = {connections}\nworkers = {workers}\nserver_cpus = 1\nmeasure = \"solo\"\nwarmup = \"300ms\"\n"
            f"window = \"{window}\"\nrounds = 1\n{more}")


HEAD = 'question = "?"\nreference = "event-loop"\n'


def estimates(summary):
    return {(e["contender"], e["scenario"], e["metric"]): e for e in summary["estimates"] if e["value"] is not None}


def same(place, run, launcher, program):
    """quick over OpenSSH with two load hosts against the same with all of them in one namespace, on the same address."""
    apart = hosts_file(place / "apart.toml", [*launcher, program, "agent"], ADDRESSES[0], ADDRESSES[1:3])
    inside = ["ip", "netns", "exec", NAMES[0], program, "agent"]
    within = hosts_file(place / "within.toml", inside, "server", ["load", "load"])
    both = [estimates(run("quick", "--hosts", file, folder=place / file.stem)) for file in (apart, within)]
    metrics = ["throughput_per_s", "response_ns_p50", "cpu_us_per_request"]
    print("quick over ssh, two load hosts / the same within one namespace: ratio, and whether the intervals meet")
    meet, all_of = 0, 0
    for key in sorted(both[0].keys() & both[1].keys()):
        a, b = both[0][key], both[1][key]
        if key[2] not in metrics or None in (a["low"], b["low"]) or not a["value"] or not b["value"]:
            continue
        touch = a["low"] <= b["high"] and b["low"] <= a["high"]
        meet, all_of = meet + touch, all_of + 1
        print(f"  {' '.join(key)}: {a['value'] / b['value']:.3f} ({'meet' if touch else 'apart'})")
    print(f"quick: the intervals of {meet} of {all_of} figures meet", flush=True)


def many(place, run, launcher, program):
    """19,000 connections from two load hosts on one loop, 50,000 from three on three loops, and the suite c10k."""
    command = [*launcher, program, "agent"]
    for name, model, connections, loads, workers in (("one-loop", "event-loop", 19_000, 2, '"connections"'),
                                                     ("three-loops", "prefork-epoll", 50_000, 3, "3")):
        suite = place / f"{name}.toml"
        suite.write_text(HEAD + solo(name, connections, "5s", workers=workers))
        hosts = hosts_file(place / f"{name}-hosts.toml", command, ADDRESSES[0], ADDRESSES[1:1 + loads])
        run(suite, "--hosts", hosts, "--only", f"^{model}$", folder=place / name)
        one = json.loads((place / name / "records.jsonl").read_text().splitlines()[0])
        parts = [f"{part['connections']['served']} of {part['connections']['asked']}" for part in one["load"]]
        print(f"{connections} connections from {loads} load hosts on {model}: {one['outcome']}, "
              f"{one['connections']['served']} served ({', '.join(parts)}), {one['requests']['ok']} replies, errors "
              f"{one['requests']['errors']}", flush=True)
    hosts = hosts_file(place / "c10k-hosts.toml", command, ADDRESSES[0], ADDRESSES[1:3])
    summary = run("c10k", "--hosts", hosts, "--only", "^(event-loop|tokio|prefork-epoll)$", folder=place / "c10k")
    verdicts = collections.Counter(e["verdict"] for e in summary["estimates"])
    print(f"c10k over two load hosts: {dict(verdicts)}", flush=True)


class Relay(threading.Thread):
    """Two TUN devices, one in each of two namespaces: each packet of one comes out of the other after a delay. It runs on
    the load's CPU, and spins for the end of a wait."""

    def __init__(self, ends, delay):
        super().__init__(daemon=True)
        self.delay, self.over = delay, False
        self.ends = [self.tun(*end) for end in ends]

    @staticmethod
    def tun(name, namespace, own, other):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH", name.encode(), 0x0001 | 0x1000))  # TUNSETIFF: IFF_TUN | IFF_NO_PI
        ip(f"link set {name} netns {namespace}")
        ip(f"-n {namespace} addr add {own} peer {other} dev {name}")
        ip(f"-n {namespace} link set {name} up")
        return fd

    def run(self):
        os.sched_setaffinity(0, {LOAD_CPU})
        ctypes.CDLL(None).prctl(29, 1)  # PR_SET_TIMERSLACK
        waiting = collections.deque()
        while not self.over:
            left = waiting[0][0] - time.monotonic() if waiting else 0.2
            ready = select.select(self.ends, [], [], max(0.0, left - 0.0003))[0]
            now = time.monotonic()
            for fd in ready:
                other = self.ends[1] if fd == self.ends[0] else self.ends[0]
                with contextlib.suppress(BlockingIOError):
                    while True:
                        waiting.append((now + self.delay, other, os.read(fd, 65536)))
            while waiting and waiting[0][0] - time.monotonic() < 0.0003:
                due, fd, packet = waiting.popleft()
                while time.monotonic() < due:
                    pass
                os.write(fd, packet)

    def end(self):
        self.over = True
        self.join()
        for fd in self.ends:
            os.close(fd)


def relayed(place, run, program):
    """1 ms each way, by a relay, against the same relay at 0 ms."""
    suite = place / "relay.toml"
    suite.write_text(HEAD + solo("relay", 4, "4s", pace="{ constant = 100 }"))
    inside = ["ip", "netns", "exec", "{host}", program, "agent"]
    hosts = hosts_file(place / "relay-hosts.toml", inside, NAMES[0], NAMES[1:2], address="10.80.0.1")
    medians = {0.0: [], 0.001: []}
    for number, delay in enumerate((0.0, 0.001, 0.001, 0.0, 0.0, 0.001)):
        relay = Relay([("fwtun0", NAMES[0], "10.80.0.1", "10.80.0.2"), ("fwtun1", NAMES[1], "10.80.0.2", "10.80.0.1")], delay)
        relay.start()
        out = place / f"relay-{number}"
        summary = run(suite, "--hosts", hosts, "--only", "^event-loop$", folder=out)
        relay.end()
        medians[delay].append(estimates(summary)["event-loop", "relay", "response_ns_p50"]["value"])
        one = json.loads((out / "records.jsonl").read_text().splitlines()[0])
        print(f"  relay of {delay * 1000:.0f} ms each way: p50 {medians[delay][-1] / 1e6:.3f} ms, handshake "
              f"{statistics.median(one['load'][0]['round_trips_ns']) / 1e6:.3f} ms")
    moved = (statistics.median(medians[0.001]) - statistics.median(medians[0.0])) / 1e6
    print(f"relay of 1 ms each way: the median moved by {moved:.3f} ms (2 ± 5 %)", flush=True)


def marked(mark):
    """Processes of ours: agents, holders, keepers, launchers and servers."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            environment = pathlib.Path("/proc", pid, "environ").read_bytes().split(b"\0")
            words = pathlib.Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode()
            if mark.encode() in environment:
                found.append((int(pid), words.strip()))
    return sorted(found)


def killed(place, launcher, program, fiveways):
    """kill -9 of ssh, of an agent, of the harness; a cut cable: how long until nothing is left on any host."""
    suite = place / "long.toml"
    suite.write_text(HEAD + solo("long", 50, "300ms").replace("rounds = 1", "rounds = 900"))
    hosts = hosts_file(place / "kill-hosts.toml", [*launcher, program, "agent"], ADDRESSES[0], ADDRESSES[1:3])
    mine = place / "mine.toml"
    for number, victim in enumerate(("ssh", "agent", "server's agent", "harness", "cable")):
        mark = f"FIVEWAYS_MARK={number}"
        mine.write_text('[[contender]]\nname = "mine"\ncommand = ["' + str(pathlib.Path(program).with_name("echo-server"))
                        + f'", "event-loop", "--port", "{{port}}"]\nenv = {{ FIVEWAYS_MARK = "{number}" }}\n')
        out = place / f"killed-{number}"
        harness = subprocess.Popen(
            [program, "run", suite, "--hosts", hosts, "--contenders", mine, "--only", "^mine$", "--out", out],
            env={**os.environ, "FIVEWAYS_MARK": str(number)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        records = out / "records.jsonl"
        while not (records.exists() and records.stat().st_size):
            time.sleep(0.05)
        alive = marked(mark)
        clients = [pid for pid, words in alive if words.startswith("ssh ")]
        # Of each host a holder and an agent, in the order in which they were started; then keepers.
        agents = [pid for pid, words in alive if words.endswith("fiveways agent")]
        begun = time.monotonic()
        if victim == "cable":
            ip(f"-n {NAMES[0]} link set v2 down")
        else:
            target = {"ssh": clients[-1], "agent": agents[5], "server's agent": agents[1], "harness": harness.pid}[victim]
            os.kill(target, signal.SIGKILL)
        left = lambda: [it for it in marked(mark) if it[0] != harness.pid or harness.poll() is None]
        while (still := left()) and time.monotonic() - begun < 30:
            time.sleep(0.02)
        took = time.monotonic() - begun
        status = harness.wait()
        plan = json.loads((out / "run.json").read_text())
        lines = records.read_text().splitlines()
        whole = all(json.loads(line)["schema"] for line in lines[:-1])
        print(f"{victim}: nothing left after {took:.1f} s (at most 5){'' if not still else f', but {still}'}; status {status}, "
              f"{len(lines)} records kept{'' if whole else ', DAMAGED'}, {(plan.get('broken_off') or {}).get('cause', 'no cause noted')}",
              flush=True)
        if victim == "cable":
            ip(f"-n {NAMES[0]} link set v2 up")


def hosts(fiveways, target):
    program = str(target / "release/fiveways")
    with tempfile.TemporaryDirectory() as folder, namespaces():
        place = pathlib.Path(folder)
        relayed(place, fiveways, program)
        with daemons(place) as launcher:
            killed(place, launcher, program, fiveways)
            many(place, fiveways, launcher, program)
            same(place, fiveways, launcher, program)
