"""How long the main jobs take: building, the quick suite, reports, lessons."""
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from proofs.built import ROOT, TARGET


def cold_build():
    subprocess.run(["cargo", "fetch"], check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory() as target:
        begun = time.monotonic()
        subprocess.run(["cargo", "build", "--release", "--offline", "--quiet"], check=True, cwd=ROOT,
                       env={**os.environ, "CARGO_TARGET_DIR": target})
        print(f"cold release build: {time.monotonic() - begun:.0f} s on {os.cpu_count()} CPUs (at most 150)")


def quick():
    subprocess.run(["cargo", "build", "--release", "--quiet"], check=True, cwd=ROOT)
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "out")
        begun = time.monotonic()
        subprocess.run(["cargo", "run", "--release", "--quiet", "--", "run", "--out", folder], check=True, cwd=ROOT)
        print(f"quick: {time.monotonic() - begun:.0f} s, exit status 0 (at most 180)")
        missing = [e for e in json.loads(pathlib.Path(folder, "summary.json").read_text())["estimates"]
                   if e["value"] is None and not e.get("reason")]
        print(f"estimates without value and reason: {len(missing)} (none)")


def report():
    """Of the largest reference there is, in turns."""
    largest = max(ROOT.glob("results/reference/*/records.jsonl"), key=lambda one: one.stat().st_size).parent
    times = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as place:
        copy = shutil.copytree(largest, os.path.join(place, "copy"))
        for number in range(10):
            for threads in ((1, 2), (2, 1))[number % 2]:
                begun = time.monotonic()
                subprocess.run([TARGET / "release/fiveways", "report", copy], check=True, stdout=subprocess.DEVNULL,
                               env={**os.environ, "RAYON_NUM_THREADS": str(threads)})
                times[threads].append(time.monotonic() - begun)
        lines = len(pathlib.Path(copy, "records.jsonl").read_text().splitlines())
    one, two = (statistics.median(times[threads]) for threads in (1, 2))
    print(f"report of {lines} records: {one:.2f} s on one thread, {two:.2f} s on two (ratio {one / two:.2f})")


def big_report():
    """A folder of invented records, made now; the most memory that the process held."""
    with tempfile.TemporaryDirectory() as place:
        folder = os.path.join(place, "many")
        made = subprocess.run(["cargo", "run", "--quiet", "--release", "--package", "report", "--example", "many", "--", folder],
                              check=True, cwd=ROOT, stdout=subprocess.PIPE, text=True).stdout.strip()
        runs = []
        for _ in range(5):
            begun = time.monotonic()
            process = subprocess.Popen([TARGET / "release/fiveways", "report", folder], stdout=subprocess.DEVNULL)
            _, status, usage = os.wait4(process.pid, 0)
            runs.append((time.monotonic() - begun, usage.ru_maxrss / 1024))
            assert status == 0, status
    seconds, mebibytes = statistics.median(run[0] for run in runs), max(run[1] for run in runs)
    print(f"report of {made} records: {seconds:.2f} s (median of 5), {mebibytes:.0f} MiB at most")
    sys.exit(0 if seconds <= 2 and mebibytes <= 300 else 1)


def lessons():
    """Each at full size, from the last answer to its page."""
    longest = 0
    with tempfile.TemporaryDirectory() as place:
        for number in range(1, 11):
            begun = time.monotonic()
            subprocess.run([TARGET / "release/fiveways", "lesson", str(number), "--answers", ROOT / "bench/tests/support/predictions.toml",
                            "--json", "--out", pathlib.Path(place, str(number))], check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
            took = time.monotonic() - begun
            longest = max(longest, took)
            print(f"lesson {number}: {took:.0f} s", flush=True)
    print(f"the longest: {longest:.0f} s (at most 180)")
    sys.exit(0 if longest <= 180 else 1)
