"""Our models and our labs against C programs that do the same, and fork by the state of its parent."""
import json
import math
import os
import pathlib
import statistics
import subprocess
import tempfile

from proofs.built import GENERATOR_CPU, ROOT, SERVER_CPU, TARGET, fiveways, interval


# Our models, and the C program that does the same; N workers where a worker owns a connection.
C_TWINS = {
    "event-loop": "echo_servers epolllt {port}",
    "event-loop-edge": "echo_servers epollet {port}",
    "io-uring": "echo_uring {port}",
    "thread-per-connection": "echo_servers thread {port}",
    "thread-pool": "echo_servers pool {port} N",
    "prefork": "echo_servers prefork {port} N",
    "fork-per-connection": "echo_servers fork {port}",
}


def servers(programs):
    """Each by a duel with its twin."""
    for model, command in C_TWINS.items():
        for scenario, connections in (("rr-50", 50), ("rr-500", 500), ("crr-16", 16)):
            twin = f"c-twin={programs}/{command.replace('N', str(connections))}"
            with tempfile.TemporaryDirectory() as place:
                said = subprocess.run(
                    [TARGET / "release/fiveways", "duel", model, "c-twin", "--with", twin, "--scenario", scenario,
                     "--suite", "quick", "--precision", "1%", "--budget", "20s", "--json", "--out",
                     os.path.join(place, "out")], capture_output=True, text=True, cwd=ROOT)
            of = {pair["metric"]: pair for pair in json.loads(said.stdout).get("pairs", [])}
            told = [f"{name} {of[metric]['ratio']:.3f} ({of[metric]['low']:.3f}-{of[metric]['high']:.3f})"
                    for name, metric in (("throughput", "throughput_per_s"), ("CPU a request", "cpu_us_per_request"))
                    if metric in of and of[metric]["low"]]
            print(f"{model} / C twin, {scenario}: {', '.join(told) or said.stdout + said.stderr}", flush=True)


# Of the C program: our mechanism, its lab's own line, the metric that is the same as its loop.
FLOOR = {
    "fork": ("fork", "spawn", "reap_ns_p50"),
    "vfork": ("vfork", "spawn", "reap_ns_p50"),
    "thread": ("thread-pthread", "spawn", "reap_ns_p50"),
    "pipe": ("pipe", "ipc", "round_trip_ns_p50"),
    "eventfd": ("eventfd", "ipc", "round_trip_ns_p50"),
    "unix": ("unix-stream", "ipc", "round_trip_ns_p50"),
    "tcp": ("tcp", "ipc", "round_trip_ns_p50"),
}


def lab(kind, mechanism, where, state, pages="small"):
    """A suite of one lab of one mechanism, for a round of 200 ms, or so long that a large state is forked some fifty times."""
    own = {"spawn": f'state_mib = {state}\npages = "{pages}"', "ipc": "bytes = 64"}[kind]
    return f"""question = "?"
reference = "{mechanism}"
[[lab]]
name = "floor"
title = "t"
question = "q"
lab = "{kind}"
mechanisms = ["{mechanism}"]
where = "{where}"
{own}
warmup = "20ms"
window = "{200 + 2 * state}ms"
rounds = 1
"""


def ours(mode, where, place, state=0, pages="small"):
    """The median of our own lab, in µs."""
    mechanism, kind, metric = FLOOR[mode]
    path = pathlib.Path(place, "floor.toml")
    path.write_text(lab(kind, mechanism, where, state, pages))
    with tempfile.TemporaryDirectory(dir=place) as folder:
        made = fiveways(path, folder=os.path.join(folder, "out"))
    return next(e["value"] for e in made["estimates"] if e["metric"] == metric) / 1e3


def theirs(program, mode, cpus, state=0, pages="small"):
    """The median of the C program, in µs."""
    times = {"fork": 600 if state < 256 else 60, "vfork": 6000, "thread": 8000}.get(mode, 15000)
    held = [str(state), str(int(pages == "huge"))] if state else []
    said = subprocess.run([program, mode, str(times), *map(str, cpus), *held], check=True, capture_output=True, text=True)
    return float(said.stdout.split("p50=")[1].split()[0])


def alternately(sides, turns):
    """What both sides say, A B B A …: a pair each turn."""
    pairs = []
    for turn in range(turns):
        made = {side: sides[side]() for side in ((0, 1) if turn % 2 == 0 else (1, 0))}
        pairs.append((made[0], made[1]))
    return pairs


def beside(name, pairs):
    """A line: the medians, and the median of the ratios of neighbours with its interval."""
    middle, low, high = interval([b / a for a, b in pairs])
    c, own = (statistics.median(side) for side in zip(*pairs))
    print(f"{name:32} {c:9.2f} {own:9.2f}  {middle:.3f} ({low:.3f}-{high:.3f})", flush=True)


def floor(programs, turns=6):
    """Both in turns on the same CPUs."""
    program, here = pathlib.Path(programs, "floor"), (SERVER_CPU, SERVER_CPU)
    apart = (SERVER_CPU, GENERATOR_CPU)
    print(f"{'':32} {'C µs':>9} {'ours µs':>9}  ours / C")
    with tempfile.TemporaryDirectory() as place:
        for mode, (_, kind, _) in FLOOR.items():
            for where, cpus in {"same-core": here, "two-cores": apart}.items() if kind == "ipc" else [("same-core", here)]:
                sides = [lambda: theirs(program, mode, cpus), lambda: ours(mode, where, place)]
                beside(f"{mode}, {where}", alternately(sides, turns))
        for pages in ("small", "huge"):
            fork_by_state(program, here, place, pages, turns)
    witness(here[0])
    by_state()


def fork_by_state(program, cpus, place, pages, turns):
    """fork to the child's end over the parent's state, and the slope of either side."""
    states, made = (16, 64, 256, 1024), {}
    called = {"small": "4 KiB pages", "huge": "huge pages"}[pages]
    for state in states:
        sides = [lambda: theirs(program, "fork", cpus, state, pages),
                 lambda: ours("fork", "same-core", place, state, pages)]
        made[state] = alternately(sides, turns)
        beside(f"fork, {state} MiB, {called}", made[state])
    slope = lambda turn, side: statistics.linear_regression(
        [state / 1024 for state in states], [made[state][turn][side] for state in states]).slope
    slopes = [(slope(turn, 0), slope(turn, 1)) for turn in range(turns)]
    beside(f"fork, a GiB more, {called}", slopes)
    for side, name in enumerate(("C", "ours")):
        middle, low, high = interval([pair[side] for pair in slopes])
        print(f"slope of {name}, {called}: {middle:.0f} µs a GiB ({low:.0f}-{high:.0f})", flush=True)


def witness(cpu):
    """perf's own pipe benchmark, on one CPU: 20,000 round trips."""
    said = subprocess.run(["taskset", "-c", str(cpu), "perf", "bench", "sched", "pipe", "-l", "20000"],
                          capture_output=True, text=True)
    line = next((line.strip() for line in said.stdout.splitlines() if "usecs/op" in line), said.stderr.strip())
    print(f"perf bench sched pipe, same core: {line}")


def by_state():
    """fork and posix_spawn over the parent's state: microseconds a GiB, and page tables by size."""
    with tempfile.TemporaryDirectory() as place:
        made = fiveways("spawn", "--only", "^(fork|posix-spawn)$", "--scenario", "^(state-.*|base)$",
                        folder=os.path.join(place, "out"))
        readme = pathlib.Path(place, "out/README.md").read_text()
    for line in readme.splitlines():
        if "for each GiB of state" in line:
            print(line.lstrip("- "))
    for one in made["estimates"]:
        if one["metric"] == "child_page_table_bytes" and one["value"] is not None:
            print(f"page tables of the child, {one['scenario']}: {one['value'] / 1024:.0f} KiB")
        if one["contender"] == "posix-spawn" and one["metric"] == "spawn_ns_p50" and one["value"] is not None:
            low, high = one["low"] or math.nan, one["high"] or math.nan
            print(f"posix_spawn, {one['scenario']}: {one['value'] / 1e3:.1f} µs ({low / 1e3:.1f}-{high / 1e3:.1f})")
