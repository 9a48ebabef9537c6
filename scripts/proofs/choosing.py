"""Three needs, three answers, each confirmed by another run."""
import json
import math
import pathlib
import re
import subprocess
import tempfile
import time

from proofs.built import ROOT, TARGET, fiveways


NEEDS = {
    "many idle connections, few active": "--connections 50 --idle 5000 --rate 4000 --slo p99=20ms",
    "heavy blocking work": "--connections 200 --rate 2000 --blocking sleep:10ms@20% --slo p99=25ms",
    "big state with churn": "--connections 16 --rate 1000 --work cpu:200us --state 300MiB --touch 1% --churn 20% --slo p99=20ms",
}


def choose():
    begun, answers = time.monotonic(), []
    with tempfile.TemporaryDirectory() as place:
        for number, (title, need) in enumerate(NEEDS.items(), 1):
            print(f"\n{title}: fiveways choose {need}", flush=True)
            folder = pathlib.Path(place, str(number))
            done = subprocess.run(
                [TARGET / "release/fiveways", "choose", *need.split(), "--window", "1s", "--quick", "--seed", "1", "--json",
                 "--out", folder], check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            said = json.loads(done.stdout)
            print(f"  {said['answer']}", flush=True)
            meets = [it["contender"] for it in said["contenders"] if it["stand"] == "meets"]
            best = said["take"][:1]
            two = best + [name for name in said["take"][1:] + meets if name not in best][:1]
            answers.append(best)
            confirm(folder / "suite.toml", need, two, pathlib.Path(place, f"{number}-again"))
    different = len({tuple(it) for it in answers}) == len(answers)
    print(f"\nanswers: {answers}, {'all different' if different else 'NOT all different'}; "
          f"{time.monotonic() - begun:.0f} s")


def confirm(suite, need, names, folder):
    """The first and the next of an answer, measured again with another seed under the suite that was written."""
    if not names:
        return print("  nobody to confirm")
    limit = float(re.search(r"p99=(\d+)ms", need).group(1)) * 1e6
    summary = fiveways(suite, "--seed", 2, "--only", f"^({'|'.join(names)})$", folder=folder)
    for name in names:
        one = next(e for e in summary["estimates"] if e["contender"] == name and e["metric"] == "response_ns_p99")
        value, low, high = (one[key] / 1e6 if one[key] else math.nan for key in ("value", "low", "high"))
        told = "kept" if high * 1e6 <= limit else "NOT kept for sure"
        print(f"  again, {name}: p99 {value:.2f} ms ({low:.2f} to {high:.2f}), {told}", flush=True)
