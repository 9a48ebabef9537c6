"""`scripts/prove hosts [PART…]`: several hosts, in network namespaces of this machine that end with it. Root, iproute2, OpenSSH.

  relayed   a relay of 1 ms each way moves the median response by 2 ms ± 5 % against itself at 0 ms
  killed    kill -9 of ssh, of an agent, of the harness, and a cut cable: nothing left on any host in 5 s, records kept, and
            `resume` makes the rest
  many      19,000 connections from two load hosts on one loop; 50,000 from three on prefork-epoll with three workers
  quick     quick over ssh from two load hosts, against itself with all of them in one namespace
  c10k      c10k in the same way
"""
import json
import os
import pathlib
import signal
import statistics
import subprocess
import sys
import tempfile
import time

from proofs.built import ROOT
from proofs.namespaces import ADDRESSES, NAMES, Relay, daemons, hosts_file, ip, namespaces, processes

HEAD = 'question = "?"\nreference = "event-loop"\n'
LEFT_S = 5.0  # until nothing is left on any host
TURNS = (0.0, 0.001, 0.001, 0.0, 0.001, 0.0, 0.0, 0.001)  # the relay's delays, balanced against drift
ROUNDS = 8  # of a run that is broken off


def verdict(fine, text):
    """Prints it, and hands on whether it is so."""
    print(f"{'ok' if fine else 'NOT OK'}: {text}", flush=True)
    return fine


def solo(name, connections, window, more="", pace='"closed"', workers='"connections"', rounds=1):
    return (f"[[scenario]]\nname = \"{name}\"\ntitle = \"t\"\nquestion = \"q\"\nworkload = \"rr\"\npace = {pace}\n"
            f"connections = {connections}\nworkers = {workers}\nserver_cpus = 1\nmeasure = \"solo\"\nwarmup = \"300ms\"\n"
            f"window = \"{window}\"\nrounds = {rounds}\n{more}")


def recorded(folder):
    return [json.loads(line) for line in (folder / "records.jsonl").read_text().splitlines()]


def estimates(summary):
    """Those that have a value, by key."""
    return {(e["contender"], e["scenario"], e["metric"]): e for e in summary["estimates"] if e["value"] is not None}


def relayed(place, run, launcher, program, _):
    """1 ms each way, by a relay, against the same relay at 0 ms; cores are kept awake, since waking takes as long as some ways."""
    suite = place / "relay.toml"
    suite.write_text(HEAD + solo("relay", 4, "2s", "keep_awake = true\n", pace="{ constant = 100 }"))
    inside = ["ip", "netns", "exec", "{host}", program, "agent"]
    hosts = hosts_file(place / "relay-hosts.toml", inside, NAMES[0], NAMES[1:2], address="10.80.0.1")
    medians = {delay: [] for delay in TURNS}
    whole = True
    for number, delay in enumerate(TURNS):
        relay = Relay([("fwtun0", NAMES[0], "10.80.0.1", "10.80.0.2"), ("fwtun1", NAMES[1], "10.80.0.2", "10.80.0.1")], delay)
        relay.start()
        try:
            summary = run(suite, "--hosts", hosts, "--only", "^event-loop$", folder=place / f"relay-{number}")
        finally:
            relay.end()
        one = recorded(place / f"relay-{number}")[0]
        whole = whole and one["outcome"] == "ok" and one["requests"]["ok"] == one["requests"]["sent"]
        medians[delay].append(estimates(summary)["event-loop", "relay", "response_ns_p50"]["value"] / 1e6)
        print(f"  relay of {delay * 1000:.0f} ms each way: p50 {medians[delay][-1]:.3f} ms, handshake "
              f"{statistics.median(one['load'][0]['round_trips_ns']) / 1e6:.3f} ms, {one['outcome']}", flush=True)
    moved = statistics.median(medians[0.001]) - statistics.median(medians[0.0])
    return verdict(whole and 1.9 <= moved <= 2.1, f"a relay of 1 ms each way moves the median by {moved:.3f} ms (2 ± 5 %)")


def agents(program):
    """Of each host its holder, and its agent, which the holder has started."""
    found = []
    for name in NAMES[:3]:
        here = [pid for pid, words in processes(name).items() if words == f"{program} agent"]
        parent = {pid: int(pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1]) for pid in here}
        holder, = (pid for pid in here if parent[pid] not in here)
        agent, = (pid for pid in here if parent[pid] == holder)
        found.append((holder, agent))
    return found


def victims(program):
    """Who is killed, by name; of an ssh the last word before the program's is its host."""
    clients = {words.split()[-3]: pid for pid, words in processes(NAMES[0]).items() if words.startswith("ssh ")}
    (_, servers), _, (_, loads) = agents(program)
    return {"ssh to the server": clients[ADDRESSES[0]], "ssh to load-2": clients[ADDRESSES[2]],
            "the server's agent": servers, "the agent of load-2": loads}


def all_end(harness, its_own, begun):
    """After how long the last of ours has ended on any host; the daemon's sessions, which end by its own rules; who never does."""
    ours = sessions = 0.0
    while time.monotonic() - begun < 6 * LEFT_S:
        living = {pid: words for name in NAMES for pid, words in processes(name).items() if pid not in its_own}
        left = {pid: words for pid, words in living.items() if not words.startswith("sshd: ")}
        if harness.poll() is None:
            left[harness.pid] = "the harness"
        ours = time.monotonic() - begun if left else ours
        sessions = time.monotonic() - begun if living else sessions
        if not left and not living:
            return ours, sessions, {}
        time.sleep(0.02)
    return ours, sessions, {**living, **left}


def broken(victim, program, words, out, its_own):
    """Starts a run and does it to the victim after two passes. How long until nothing of it is left, and what stood in the
    records at that instant; the harness's status."""
    harness = subprocess.Popen([program, "run", *words, "--out", out], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               cwd=ROOT)
    records, deadline = out / "records.jsonl", time.monotonic() + 60
    while not (records.exists() and records.read_bytes().count(b"\n") >= 2):
        assert harness.poll() is None and time.monotonic() < deadline, f"{victim}: no pass was recorded"
        time.sleep(0.02)
    target = harness.pid if victim == "the harness" else victims(program).get(victim)
    before = records.read_bytes()
    before, begun = before[:before.rindex(b"\n") + 1], time.monotonic()
    if target is None:
        ip(f"-n {NAMES[0]} link set v2 down")
    else:
        os.kill(target, signal.SIGKILL)

    took = all_end(harness, its_own, begun)
    if target is None:
        ip(f"-n {NAMES[0]} link set v2 up")
        # A route of a cable that was down is gone.
        ip(f"-n {NAMES[2]} route replace 10.79.0.1/32 via 10.79.2.1")
    return took, before, harness.poll()


def killed(place, run, launcher, program, its_own):
    """kill -9 of ssh, of an agent, of the harness; a cut cable."""
    suite = place / "long.toml"
    suite.write_text(HEAD + solo("long", 50, "300ms", rounds=ROUNDS))
    hosts = hosts_file(place / "kill-hosts.toml", [*launcher, program, "agent"], ADDRESSES[0], ADDRESSES[1:3])
    words = [suite, "--hosts", hosts, "--only", "^fork-per-connection$"]
    fine = []
    for number, victim in enumerate(("ssh to the server", "ssh to load-2", "the server's agent", "the agent of load-2",
                                     "the harness", "the cable of load-2")):
        out = place / f"killed-{number}"
        (took, sessions, still), before, status = broken(victim, program, words, out, its_own)
        cause = (json.loads((out / "run.json").read_text()).get("broken_off") or {}).get("cause", "no cause noted")
        kept = (out / "records.jsonl").read_bytes().startswith(before)
        resumed = subprocess.run([program, "resume", out, "--hosts", hosts], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 text=True, cwd=ROOT)
        records = recorded(out)
        whole = (out / "records.jsonl").read_bytes().startswith(before) and resumed.returncode == 0 \
            and sorted(one["round"] for one in records) == list(range(1, ROUNDS + 1)) \
            and all(one["outcome"] == "ok" for one in records)
        told = status == (-signal.SIGKILL if victim == "the harness" else 1)
        fine.append(verdict(
            not still and took <= LEFT_S and kept and told and whole,
            f"{victim}: nothing of it left after {took:.1f} s (at most {LEFT_S:.0f}; sessions of sshd {sessions:.1f})"
            f"{f', but {still}' if still else ''}; status {status}, {cause}; {before.count(10)} records "
            f"{'kept' if kept else 'DAMAGED'}, resumed to {len(records)} of {ROUNDS} (status {resumed.returncode})"
            f"{'' if whole else f', NOT WHOLE: {resumed.stderr}'}"))
    return all(fine)


def many(place, run, launcher, program, _):
    """19,000 connections from two load hosts on one loop, 50,000 from three on three loops."""
    fine = []
    for name, model, connections, loads, workers in (("one-loop", "event-loop", 19_000, 2, '"connections"'),
                                                     ("three-loops", "prefork-epoll", 50_000, 3, "3")):
        suite = place / f"{name}.toml"
        # In a closed loop of 50,000 a reply takes as long as 50,000 replies take: about a second, which is the usual limit.
        suite.write_text(HEAD + solo(name, connections, "5s", 'timeout = "10s"\n', workers=workers))
        hosts = hosts_file(place / f"{name}-hosts.toml", [*launcher, program, "agent"], ADDRESSES[0], ADDRESSES[1:1 + loads])
        run(suite, "--hosts", hosts, "--only", f"^{model}$", folder=place / name)
        one = recorded(place / name)[0]
        served, requests = one["connections"]["served"], one["requests"]
        parts = [part["connections"]["served"] for part in one["load"]]
        fine.append(verdict(
            one["outcome"] == "ok" and served == connections == sum(parts) and requests["sent"] == requests["ok"] >= connections,
            f"{connections} connections from {loads} load hosts on {model} ({one['workers']} workers): {one['outcome']}, {served} "
            f"served ({' + '.join(map(str, parts))}), {requests['ok']} of {requests['sent']} replies, errors {requests['errors']}"
            + (f", {one['cause']['text']}" if one["cause"] else "")))
    return all(fine)


def same(suite, words):
    """A suite over ssh from two load hosts against the same with all of them in one namespace, on the same address."""
    def prove(place, run, launcher, program, _):
        apart = hosts_file(place / "apart.toml", [*launcher, program, "agent"], ADDRESSES[0], ADDRESSES[1:3])
        inside = ["ip", "netns", "exec", NAMES[0], program, "agent"]
        within = hosts_file(place / "within.toml", inside, "server", ["load", "load"])
        both = []
        for file in (apart, within):
            begun = time.monotonic()
            both.append(run(suite, *words, "--hosts", file, folder=place / f"{suite}-{file.stem}"))
            print(f"  {file.stem}: {time.monotonic() - begun:.0f} s", flush=True)
        return meeting(suite, *both)
    return prove


def meeting(suite, apart, within):
    """How many intervals meet, by metric; who has a figure in one run alone."""
    a, b = estimates(apart), estimates(within)
    alone = sorted(a.keys() ^ b.keys())
    by_metric, missed = {}, []
    for key in sorted(a.keys() & b.keys()):
        one, other = a[key], b[key]
        if None in (one["low"], one["high"], other["low"], other["high"]):
            continue
        meet = one["low"] <= other["high"] and other["low"] <= one["high"]
        ratio = one["value"] / other["value"] if other["value"] else None
        width = max((it["high"] - it["low"]) / 2 / it["value"] if it["value"] else 0.0 for it in (one, other))
        by_metric.setdefault(key[2], []).append((meet, ratio, width))
        if not meet:
            missed.append(f"    {' '.join(key)}: {one['value']:.4g} ({one['low']:.4g}-{one['high']:.4g}) against "
                          f"{other['value']:.4g} ({other['low']:.4g}-{other['high']:.4g})")
    for metric, found in by_metric.items():
        ratios = [ratio for _, ratio, _ in found if ratio]
        middle = f"median ratio {statistics.median(ratios):.3f}" if ratios else "no ratio"
        width = statistics.median(width for *_, width in found)
        print(f"  {metric}: {sum(meet for meet, *_ in found)} of {len(found)} meet, {middle}, the wider interval ± {width:.1%}")
    print("\n".join(missed))
    for key in alone:
        print(f"    {' '.join(key)}: a figure {'over ssh' if key in a else 'within one namespace'} alone")
    all_of = sum(map(len, by_metric.values()))
    return verdict(all_of > 0 and len(missed) <= 0.05 * all_of,
                   f"{suite}: the intervals of {all_of - len(missed)} of {all_of} figures meet; {len(alone)} are there once")


# The shortest first.
PARTS = {
    "relayed": relayed,
    "killed": killed,
    "many": many,
    "quick": same("quick", ["--rounds", "3"]),
    "c10k": same("c10k", ["--only", "^(event-loop|prefork-epoll)$"]),
}


def hosts(fiveways, target, *names):
    """These parts, or all; ends with 1 where one is not so."""
    if strangers := set(names) - PARTS.keys():
        sys.exit(f"{__doc__}\nthere is no part {', '.join(sorted(strangers))}")
    program, fine = str(target / "release/fiveways"), []
    with tempfile.TemporaryDirectory() as folder, namespaces(), daemons(folder) as (launcher, its_own):
        for name in names or PARTS:
            begun, place = time.monotonic(), pathlib.Path(folder, name)
            place.mkdir()
            fine.append(PARTS[name](place, fiveways, launcher, program, its_own))
            print(f"{name}: {time.monotonic() - begun:.0f} s\n", flush=True)
    sys.exit(not all(fine))
