"""The built program, run into a folder; and what ratios say of it."""
import json
import math
import os
import pathlib
import random
import statistics
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
SERVER_CPU, GENERATOR_CPU = os.cpu_count() - 1, 0


def interval(ratios):
    """The median of ratios and its 95 % interval, by bootstrap."""
    rng = random.Random(1)
    medians = sorted(statistics.median(rng.choices(ratios, k=len(ratios))) for _ in range(4000))
    return statistics.median(ratios), medians[100], medians[-100]


def half_width(ratios):
    """Of that interval, as a share."""
    _, low, high = interval(ratios)
    return math.sqrt(high / low) - 1


def fiveways(*words, folder, before=()):
    """Runs the built program into a folder, these words before its own, and returns its summary. That a cell failed
    (status 3) stands in its records, and spoils no other."""
    made = subprocess.run(
        [*before, TARGET / "release/fiveways", "run", *map(str, words), "--out", folder, "--json"],
        stdout=subprocess.DEVNULL, cwd=ROOT,
    )
    if made.returncode not in (0, 3):
        made.check_returncode()
    return json.loads(pathlib.Path(folder, "summary.json").read_text())


def suite(connections, slice_ms, window_ms, rounds):
    """A suite of one rr scenario for each number of connections."""
    scenario = """
[[scenario]]
name = "rr-{0}"
title = "t"
question = "q"
workload = "rr"
connections = {0}
workers = "connections"
server_cpus = 1
measure = "sliced"
slice = "{1}ms"
warmup = "500ms"
window = "{2}ms"
rounds = {3}
"""
    head = 'question = "?"\nreference = "event-loop"\n'
    return head + "".join(scenario.format(n, slice_ms, window_ms, rounds) for n in connections)
