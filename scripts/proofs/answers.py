"""Whether answers are right: of duels, of two runs, of slices of one length and another."""
import itertools
import json
import math
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import tomllib

from proofs.built import ROOT, TARGET, fiveways, interval, suite


def duel_with(nanoseconds, seconds=15):
    """event-loop against another that has so much more to do for a request, for so long: the pair of each metric."""
    slow = f"slow={{echo-server}} event-loop --port {{port}} --workers {{workers}} --work cpu:{nanoseconds}ns"
    other = ["slow", "--with", slow] if nanoseconds else ["event-loop"]
    with tempfile.TemporaryDirectory() as place:
        said = subprocess.run(
            [TARGET / "release/fiveways", "duel", "event-loop", *other, "--slice", "10ms", "--precision", "0.01%",
             "--budget", f"{seconds}s", "--json", "--out", os.path.join(place, "out")],
            capture_output=True, text=True, cwd=ROOT)
    return {it["metric"]: it for it in json.loads(said.stdout)["pairs"] if it["low"]}


def of_its_time(shares, lengths=(60, 90, 120, 150, 180)):
    """How much work makes a request so much dearer, asked of this machine: a line through what several lengths cost.
    Not what a clock says: the CPU does part of such short work while it waits for something else."""
    asked = [(length, duel_with(length, 30).get("cpu_us_per_request")) for length in lengths]
    cost = {length: -math.log(pair["ratio"]) for length, pair in asked if pair}
    print("work and its cost: " + ", ".join(f"{at} ns {it:.2%}" for at, it in cost.items()), flush=True)
    line = statistics.linear_regression(list(cost), list(cost.values()))
    return [round((math.log1p(share) - line.intercept) / line.slope) for share in shares]


def duels(times):
    """In turns, so that what the machine does in these minutes falls on all three alike. Slowed is who spends so much
    more CPU time on a request; throughput follows only as far as the server, and not the generator, is the limit."""
    shares = {"slowed by 1 %": 0.01, "slowed by 0.5 %": 0.005}
    cases = {"itself": 0, **dict(zip(shares, of_its_time(shares.values())))}
    print(", ".join(f"{name}: {length} ns" for name, length in cases.items()), flush=True)
    in_turn(times, cases)


def itself(times):
    """Only how often an interval holds the truth, in a third of the time."""
    in_turn(times, {"itself": 0})


def in_turn(times, cases):
    """Duels against each of these, which have so many nanoseconds more to do for a request."""
    metrics = ("throughput_per_s", "cpu_us_per_request")
    found = {case: [] for case in itertools.product(cases, metrics)}
    for number in range(int(times)):
        for name, length in cases.items():
            pairs = duel_with(length)
            for metric in metrics:
                pair = pairs.get(metric)
                found[name, metric].append(pair)
                print(f"  {number + 1:2} event-loop against {name}, {metric}: " + (
                    f"{pair['ratio']:.4f} ({pair['low']:.4f}-{pair['high']:.4f})" if pair else "no answer"), flush=True)
    for (name, metric), made in found.items():
        pairs = [pair for pair in made if pair]
        worse = (lambda it: it["low"] > 1) if metric == "throughput_per_s" else (lambda it: it["high"] < 1)
        good = [it for it in pairs if (it["low"] <= 1 <= it["high"] if name == "itself" else worse(it))]
        half = statistics.median(math.sqrt(it["high"] / it["low"]) - 1 for it in pairs)
        print(f"event-loop against {name}, {metric}: "
              f"{'interval holds 1' if name == 'itself' else 'found with the right sign'} in {len(good)} of {times} duels; "
              f"median ratio {statistics.median(it['ratio'] for it in pairs):.4f}, median half-width {half:.2%}")


def rounds_of(folder):
    """The passes of a results folder by scenario, round and contender; where one stands in several blocks, by block."""
    passes = {}
    for line in pathlib.Path(folder, "records.jsonl").read_text().splitlines():
        made = json.loads(line)
        if made["pass"] == "timing" and made["outcome"] == "ok":
            passes.setdefault((made["scenario"], made["round"]), {})[made["contender"], made["block"]] = made
    return passes


def by_slices(a, b):
    """The median logarithm of a / b over neighbouring slices."""
    rate = lambda one: one[2] / one[1]
    return statistics.median(math.log(rate(x) / rate(y)) for x, y in zip(a["slices"], b["slices"]))


def twins():
    """Everybody of quick under every load of quick, all alive together, as in a run. The intervals are before Holm:
    one in twenty may miss."""
    suite = tomllib.loads((ROOT / "bench/suites/quick.toml").read_text())
    listed = subprocess.run([TARGET / "release/fiveways", "list", "--json"], capture_output=True, text=True,
                            check=True, cwd=ROOT)
    names = [one["name"] for one in json.loads(listed.stdout)["contenders"]
             if not one.get("skipped") and re.search(suite["only"], one["name"])]
    tested, missed = 0, []
    for scenario in (one["name"] for one in suite["scenario"] if one["workload"] != "idle"):
        with tempfile.TemporaryDirectory() as place:
            said = subprocess.run(
                [TARGET / "release/fiveways", "duel", *names, *names, "--scenario", scenario, "--precision", "99%",
                 "--json", "--out", os.path.join(place, "out")], capture_output=True, text=True, cwd=ROOT)
        for pair in json.loads(said.stdout)["pairs"]:
            if pair["b"] == f"{pair['a']}-2" and pair["low"]:
                tested += 1
                if not pair["low"] <= 1 <= pair["high"]:
                    missed.append(pair)
                    print(f"  {scenario}: {pair['a']}, {pair['metric']}: {pair['ratio']:.3f} "
                          f"({pair['low']:.3f}-{pair['high']:.3f})", flush=True)
    chance = lambda most: sum(math.comb(tested, k) * 0.05**k * 0.95**(tested - k) for k in range(most + 1))
    bound = next(most for most in range(tested + 1) if chance(most) >= 0.99)
    print(f"twins: {len(missed)} of {tested} pairs of one program differ before Holm; chance alone makes at most "
          f"{bound} in 99 of 100 runs")


def slices():
    text = (ROOT / "bench/suites/quick.toml").read_text()
    head, *scenarios = text.split("[[scenario]]\n")
    sliced = [one for one in scenarios if 'measure = "sliced"' in one]
    field = lambda one, key: int(next(
        line for line in one.splitlines() if line.startswith(f"{key} = ")).split('"')[1].removesuffix("ms"))
    written = []
    for one in sliced:
        name, length = one.split('name = "')[1].split('"')[0], field(one, "slice")
        for suffix, times in (("", 1), ("-long", 4)):
            written.append("[[scenario]]\n" + one.replace(f'name = "{name}"', f'name = "{name}{suffix}"')
                           .replace(f'slice = "{length}ms"', f'slice = "{length * times}ms"')
                           .replace(f'window = "{field(one, "window")}ms"', f'window = "{max(length * 8, 800)}ms"')
                           .replace("rounds = 5", "rounds = 8"))
    with tempfile.TemporaryDirectory() as place:
        path, folder = pathlib.Path(place, "slices.toml"), os.path.join(place, "out")
        path.write_text(head + "".join(written))
        fiveways(path, "--only", "^(event-loop|thread-per-connection|prefork|fork-per-connection|tokio|node-net)$",
                 folder=folder)
        passes = rounds_of(folder)
    for name in [one.split('name = "')[1].split('"')[0] for one in sliced]:
        apart = {}
        for (scenario, number), short in passes.items():
            long = passes.get((f"{name}-long", number))
            if scenario == name and long:
                for key in set(short) & set(long) - {("event-loop", 1)}:
                    apart.setdefault(key[0], []).append(
                        by_slices(long[key], long["event-loop", 1]) - by_slices(short[key], short["event-loop", 1]))
        for contender, logarithms in sorted(apart.items()):
            ratio, low, high = interval([math.exp(one) for one in logarithms])
            print(f"{name}: {contender} / event-loop with slices four times as long is {ratio:.4f} "
                  f"({low:.4f}-{high:.4f}) of what it is with the suite's, {len(logarithms)} rounds", flush=True)


def compare():
    """Four contenders and the control, 50 clients, five rounds: some ten seconds a run."""
    gate = ["--fail-if", "throughput_per_s<-5%", "--fail-if", "cpu_us_per_request>+5%"]
    with tempfile.TemporaryDirectory() as place:
        file = pathlib.Path(place, "small.toml")
        file.write_text(suite([50], 40, 200, 5).replace('warmup = "500ms"', 'warmup = "100ms"'))
        mine = f"mine={TARGET}/release/echo-server event-loop --port {{port}}"

        def run(name, command):
            folder = os.path.join(place, name)
            summary = fiveways(file, "--only", "^(event-loop|thread-per-connection|prefork|mine)$", "--with", command,
                               folder=folder)
            return folder, summary

        def compared(a, b):
            done = subprocess.run([TARGET / "release/fiveways", "compare", a, b, "--json", *gate], cwd=ROOT,
                                  stdout=subprocess.PIPE)
            return done.returncode, json.loads(done.stdout)

        quiet = 0
        for number in range(10):
            (a, summary), (b, _) = run(f"a{number}", mine), run(f"b{number}", mine)
            code, said = compared(a, b)
            decided = [one for one in said["changes"] if one["answer"] in ("ahead", "behind")]
            quiet += not decided
            told = ", ".join(f"{one['contender']} {one['metric']} {one['ratio']:.3f}" for one in decided) or "nothing"
            print(f"pair {number + 1} of 10: {told} ahead or behind, exit {code}", flush=True)
        print(f"nothing ahead or behind in {quiet} of 10", flush=True)
        cost = next(one["value"] for one in summary["estimates"]
                    if one["contender"] == "mine" and one["metric"] == "cpu_us_per_request")
        slower, _ = run("slower", f"{mine} --work cpu:{round(cost * 100)}ns")
        code, said = compared(a, slower)
        names = sorted({one["contender"] for one in said["regressions"]})
        for one in said["changes"]:
            print(f"{one['contender']:24} {one['metric']:28} {one['ratio']:.3f} {one['answer']}")
        print(f"10 % of CPU more a request ({round(cost * 100)} ns): exit {code}, {names}")
        sys.exit(0 if quiet >= 9 and code == 6 and names == ["mine"] else 1)
