"""What idle connections weigh: gauges of the server against what the host lost."""
import json
import math
import os
import pathlib
import statistics
import tempfile

from proofs.built import fiveways


def idle_suite(numbers, rounds):
    """A suite of idle connections."""
    scenario = """
[[scenario]]
name = "idle-{0}"
title = "t"
question = "q"
workload = "idle"
connections = {0}
workers = "connections"
server_cpus = 1
measure = "solo"
rounds = {1}
"""
    return 'question = "?"\nreference = "event-loop"\n' + "".join(scenario.format(n, rounds) for n in numbers)


def weighed(records):
    """What a pass shows in MiB: gauges of the server, and changes of the host since before it was started."""
    own, host = records["gauges"]["connected"], records["gauges"]["host"]
    grown = lambda name: host["connected"].get(name, 0) - host["empty"].get(name, 0)
    cgroup = own.get("cgroup") or {}
    bytes_of = {
        "own pages": own["pss_anonymous_bytes"],
        "page tables": own["page_table_bytes"],
        "kernel stacks": own["kernel_stack_bytes"],
        "sockets": grown("socket_object_bytes") + grown("socket_buffer_bytes"),
        "slab": grown("slab_object_bytes"),
        "taken": -grown("available_bytes"),
        # What the gauges count and MemAvailable does not, or the other way round.
        "reclaimable": -grown("slab_reclaimable_bytes"),
        "others' pages": grown("anonymous_bytes") - own["pss_anonymous_bytes"],
        "others' tables, stacks": grown("page_table_bytes") - own["page_table_bytes"]
        + grown("kernel_stack_bytes") - own["kernel_stack_bytes"],
        "half-empty slabs": grown("slab_bytes") - grown("slab_object_bytes") - grown("socket_object_bytes"),
        "per CPU": grown("per_cpu_bytes"),
        "at hand": grown("at_hand_bytes"),
        # What a task sends over TCP is copied into pages that it keeps (task_frag, 32 KiB: net/core/sock.c).
        "send pages": own["tasks"] * 32768,
        "kernel by cgroup": cgroup.get("kernel_bytes", math.nan),
    }
    return {name: value / 2**20 for name, value in bytes_of.items()}


def memory():
    """Each model with 1,000 idle connections less itself with one, medians over rounds."""
    own = ["own pages", "page tables", "kernel stacks", "sockets", "slab"]
    why = ["reclaimable", "others' pages", "others' tables, stacks", "half-empty slabs", "per CPU", "at hand", "send pages"]
    head = [*own, "gauges", "taken", "rest", *why, "unexplained", "kernel by cgroup"]
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "memory.toml")
        path.write_text(idle_suite([1, 1000], 5))
        out = os.path.join(place, "out")
        fiveways(path, folder=out)
        passes = [json.loads(line) for line in pathlib.Path(out, "records.jsonl").read_text().splitlines()]
    for made in (p for p in passes if p["outcome"] != "ok"):
        print(f"{made['contender']} {made['scenario']} round {made['round']}: {made['outcome']}, "
              f"{(made['cause'] or {}).get('text', '')}")
    print("MiB that 999 more idle connections weigh; sockets and slab are of both ends. Rest = MemAvailable taken - gauges;\n"
          "the columns after it are what explains it.")
    print(" | ".join(["", *head]))
    of = {(p["contender"], p["scenario"], p["round"]): p for p in passes if p["outcome"] == "ok"}
    for model in sorted({p["contender"] for p in passes}):
        rounds = []
        for number in range(1, 6):
            few, many = of.get((model, "idle-1", number)), of.get((model, "idle-1000", number))
            if few and many and many["connections"]["served"] == 1000:
                few, many = weighed(few), weighed(many)
                row = {name: many[name] - few[name] for name in many}
                row["gauges"] = sum(row[name] for name in own)
                row["rest"] = row["taken"] - row["gauges"]
                row["unexplained"] = row["rest"] - sum(row[name] for name in why)
                rounds.append(row)
        if rounds:
            middle = {name: statistics.median(row[name] for row in rounds) for name in head}
            print(" | ".join([model, *(f"{middle[name]:.2f}" for name in head)]), flush=True)
        else:
            print(f"{model} | not everybody was served")
