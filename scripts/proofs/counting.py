"""Switches and system calls, counted in two ways and held against what each model's file says of itself."""
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

from proofs.built import ROOT, TARGET, fiveways, suite


def counted_suite(kind, connections, window_ms):
    """One scenario, timed once and counted twice."""
    return suite(connections, 100, window_ms, 1).replace(
        'workload = "rr"', f'workload = "{kind}"') + "counters = 2\n"


# For root: perf's events, and no way to the tracing file system.
WITHOUT_TRACEPOINTS = ["unshare", "--mount", "sh", "-ec", "for place in /sys/kernel/debug /sys/kernel/tracing; do "
                       'test ! -d $place || mount -t tmpfs none $place; done; exec "$@"', "sh",
                       "setpriv", "--bounding-set", "-sys_admin"]


def counter_passes(place, kind, connections, window_ms, *words, before=()):
    """The counter passes of a run, by contender. The suite has one scenario."""
    name = f"{kind}-without" if before else kind
    path, out = pathlib.Path(place, f"{name}.toml"), pathlib.Path(place, name)
    path.write_text(counted_suite(kind, [connections], window_ms))
    fiveways(path, *words, folder=out, before=before)
    made = [json.loads(line) for line in (out / "records.jsonl").read_text().splitlines()]
    passes = {}
    for one in made:
        if one["pass"] == "counter" and one["outcome"] == "ok":
            passes.setdefault(one["contender"], []).append(one)
    return passes


def between(one, first, last):
    """What a pass counted between two looks: replies, switches by usage, and perf's events."""
    first, last = one["usage"][first], one["usage"][last]
    refused = last["counted"].get("unavailable", {})
    if "perf" in refused:
        sys.exit(f"this machine does not let anybody count: {refused}")
    switches = lambda look: look["switches_voluntary"] + look["switches_involuntary"]
    events, before = last["counted"]["events"], first["counted"]["events"]
    return (last["replies"] - first["replies"], switches(last) - switches(first),
            {name: events[name] - before[name] for name in events})


def by_name(events, per):
    """System calls by name, so many for each of `per`."""
    calls = {name.removeprefix("sys_enter_"): count / per for name, count in events.items() if "sys_enter_" in name}
    calls["others"] = events["sys_enter"] / per - sum(calls.values())
    return calls


def middle_of(rows):
    """Medians over passes, name by name."""
    return {name: statistics.median(row[name] for row in rows) for name in rows[0]}


def header_of(model):
    """What the file of a model says that a request is, and which calls that names: surely, and as the case may be."""
    files = {path.stem.replace("_", "-"): path for path in (ROOT / "servers/src/models").glob("*.rs")}
    stem = max((stem for stem in files if model.startswith(stem)), key=len, default=None)
    stem = stem or next(stem for stem in files if stem.startswith(model.split("-")[0]))
    text = " ".join(line.removeprefix("//!").strip() for line in files[stem].read_text().splitlines()
                    if line.startswith("//!"))
    said = re.search(r"System calls[^:]*: a request is (.*?)\. ", text + " ").group(1)
    sure, perhaps, loose = set(), set(), False
    for clause in re.split(r",|(?=\()", said):
        loose = loose or any(word in clause for word in ("share", "(", " when ", "futex"))
        (perhaps if loose else sure).update(re.findall(r"`([a-z_0-9]+)`", clause))
    return said, sure, perhaps


def models_of_ours():
    """Name, family and how many clients it holds, of each."""
    listed = subprocess.run([TARGET / "release/echo-server", "--list"], capture_output=True, text=True, check=True)
    return [line.split("\t")[:3] for line in listed.stdout.splitlines()]


def counters():
    """Every model of ours: usage against perf, header against tracepoints."""
    models = models_of_ours()
    ours = ["--only", f"^({'|'.join(name for name, *_ in models)})$"]
    with tempfile.TemporaryDirectory() as place:
        rr, crr = counter_passes(place, "rr", 50, 400, *ours), counter_passes(place, "crr", 16, 400, *ours)
        bare = counter_passes(place, "crr", 16, 400, *ours, before=WITHOUT_TRACEPOINTS)
    print("Switches. rr, 50 clients, a request: usage | perf | perf / usage. crr, 16 clients, a connection, from ready to\n"
          "exit: processes that ended | usage - perf by software events alone | difference / ended | usage - perf beside tracepoints")
    for model, *_ in models:
        cells = [model]
        rows = [between(one, "before", "after") for one in rr.get(model, [])]
        served = min((one["connections"]["served"] for one in rr.get(model, [])), default=0)
        if rows:
            usage = statistics.median(switches / replies for replies, switches, _ in rows)
            perf = statistics.median(events["context-switches"] / replies for replies, _, events in rows)
            ratio = f"{perf / usage:.3f}" if usage else "-"
            cells += [f"{usage:.4f}", f"{perf:.4f}", ratio, "" if served == 50 else f"{served} of 50 served"]
        missed = lambda rows: statistics.median((switches - events["context-switches"]) / replies
                                                for replies, switches, events in rows)
        alone, beside = ([between(one, "ready", "exit") for one in passes.get(model, [])] for passes in (bare, crr))
        if alone and beside:
            ended = statistics.median(events["sys_enter_exit_group"] / replies for replies, _, events in beside)
            ratio = f"{missed(alone) / ended:.3f}" if ended > 0.1 else "-"
            cells += [f"{ended:.4f}", f"{missed(alone):.4f}", ratio, f"{missed(beside):.4f}"]
        print(" | ".join(cells), flush=True)
    print("\nSystem calls of a request (rr, 50 clients), by tracepoint, from 0.005 on; and what the model's file says")
    for model, *_ in models:
        rows = [between(one, "before", "after") for one in rr.get(model, [])]
        if not rows:
            print(f"{model} | not counted")
            continue
        calls = middle_of([by_name(events, replies) for replies, _, events in rows])
        shown = {name: value for name, value in sorted(calls.items(), key=lambda it: -it[1]) if value >= 0.005}
        said, sure, perhaps = header_of(model)
        wrong = [name for name in sure if abs(calls.get(name, 0) - 1) > 0.03]
        wrong += [name for name, value in shown.items() if value >= 0.05 and name not in sure | perhaps]
        verdict = f"NOT AS SAID: {', '.join(wrong)}" if wrong else "as said"
        print(f"{model} | {', '.join(f'{name} {value:.3f}' for name, value in shown.items())} | {said} | {verdict}", flush=True)


def strace():
    """Each model under strace(1) in a counter pass: both count the same calls, all of the server's life. In the tracepoints
    alone are strace's own (a start-up, and wait4, by which it waits for its victim) and calls that never returned: each
    task's exit, and what it waited in when it was ended."""
    models = models_of_ours()
    print("System calls from start to end by tracepoint / by strace -f -c, of names with a hundred or more in either")
    with tempfile.TemporaryDirectory() as place:
        entries = "".join(
            f'[[contender]]\nname = "s-{name}"\nfamily = "{family}"\nholds = "{holds}"\n'
            f'command = ["strace", "-f", "-c", "-o", "{place}/{name}", "{TARGET}/release/echo-server", "{name}", '
            f'"--port", "{{port}}", "--workers", "{{workers}}"]\n' for name, family, holds in models)
        file = pathlib.Path(place, "strace.toml")
        file.write_text(entries)
        for kind, connections in (("rr", 50), ("crr", 16)):
            passes = counter_passes(place, kind, connections, 500, "--contenders", file, "--only", "^s-")
            for name, *_ in models:
                if f"s-{name}" not in passes:
                    print(f"{kind} | {name} | no pass was ok")
                    continue
                # The summary of the last pass is the one that stands there.
                one = passes[f"s-{name}"][-1]
                events = one["usage"]["exit"]["counted"]["events"]
                ours = {event.removeprefix("sys_enter_"): count for event, count in events.items() if "sys_enter_" in event}
                table = [line.split() for line in pathlib.Path(place, name).read_text().splitlines()]
                theirs = {row[-1]: int(row[3]) for row in table if len(row) >= 5 and row[3].isdigit() and row[-1] != "total"}
                rows = [(call, ours[call], theirs.get(call, 0)) for call in ours
                        if call not in ("wait4", "exit", "exit_group") and max(ours[call], theirs.get(call, 0)) >= 100]
                worst = max((abs(a - b) for _, a, b in rows), default=math.nan)
                told = ", ".join(f"{call} {a} / {b}" for call, a, b in sorted(rows, key=lambda row: -row[1]))
                print(f"{kind} | {name} | {told} | at most {worst} apart", flush=True)
