"""The generator: what a round trip costs it against a C program, how it keeps a schedule, what a stall does, many
connections, and long churn."""
import contextlib
import json
import math
import pathlib
import random
import signal
import socket
import statistics
import subprocess
import threading
import time

from proofs.built import GENERATOR_CPU, SERVER_CPU, TARGET, half_width, interval


@contextlib.contextmanager
def pinned_server(*command):
    """A server on the last CPU, ended with its block."""
    server = subprocess.Popen(["taskset", "-c", str(SERVER_CPU), *command], stdout=subprocess.DEVNULL)
    try:
        port = int(next(word for word in command[1:] if word.isdigit()))
        while socket.socket().connect_ex(("127.0.0.1", port)):
            pass
        yield
    finally:
        server.terminate()
        server.wait()


def load(port, *words):
    """What `fiveways load` says, pinned to the first CPU."""
    said = subprocess.run(
        ["taskset", "-c", str(GENERATOR_CPU), TARGET / "release/fiveways", "load", f"127.0.0.1:{port}",
         "--json", *map(str, words)], capture_output=True, text=True).stdout
    return json.loads(said)


def stopped(one):
    """Stands it still, and returns once it does."""
    one.send_signal(signal.SIGSTOP)
    while pathlib.Path(f"/proc/{one.pid}/stat").read_text().rsplit(") ", 1)[1][0] not in "TZ":
        pass


def cpu_ns(one):
    """CPU time of all its threads."""
    return sum(int(it.read_text().split()[0]) for it in pathlib.Path(f"/proc/{one.pid}/task").glob("*/schedstat"))


def requests():
    """How many 64-byte messages went over the loopback and back: what its packets carried beyond their headers (52 bytes
    each; those that open a connection have 8 more, which makes an eighth of a churning request too many)."""
    line = next(it for it in pathlib.Path("/proc/net/dev").read_text().splitlines() if it.strip().startswith("lo:"))
    carried, packets = map(int, line.split(":")[1].split()[:2])
    return (carried - 52 * packets) / 128


def started(command):
    return subprocess.Popen(["taskset", "-c", str(GENERATOR_CPU), *map(str, command)],
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def in_turns(commands, openings, turns, seconds):
    """Two programs alive at once of which one runs at a time, in the order ABBA: what the machine does, it does to
    both. Returns what each printed, and the CPU time of a request in each of its turns, microseconds."""
    running, made = [], ([], [])
    try:
        for command, opening in zip(commands, openings):
            running.append(started(command))
            time.sleep(opening)
            stopped(running[-1])
        for turn in range(turns):
            side = (0, 1, 1, 0)[turn % 4]
            one, before = running[side], (cpu_ns(running[side]), requests())
            one.send_signal(signal.SIGCONT)
            time.sleep(seconds)
            stopped(one)
            if one.poll() is not None:
                raise RuntimeError(f"{commands[side][0]} ended before its turns were over")
            made[side].append((cpu_ns(one) - before[0]) / 1e3 / (requests() - before[1]))
        for one in running:
            one.send_signal(signal.SIGCONT)
        return [json.loads(one.communicate()[0]) for one in running], made
    finally:
        for one in running:
            if one.poll() is None:
                one.kill()
                one.wait()


def generator(programs):
    """A generator's CPU for a request, turn by turn, against its neighbour's: the median over the turns of a
    repetition, then the median over repetitions. Which of the two begins, changes from one to the next."""
    least, most, narrow = 8, 32, 0.02
    cases = [(50, []), (500, []), (1000, []), (10000, ["-n", "8"]), (16, ["-r", "-n", "8"])]
    for number, (connections, more) in enumerate(cases):
        # A server each: twice 10,000 connections are more than one process may hold.
        port, other = 9150 + number, 9170 + number
        # A turn is long beside what its edges cost: the requests that are on their way then.
        seconds = max(0.1, connections / 10000)
        turns = max(40, round(16 / seconds) // 2 // 4 * 4)
        opening = 1 + connections / 3000
        alive = math.ceil(2 * opening + turns * (seconds + 0.02)) + 1
        mode = ["--mode", "crr"] if "-r" in more else []
        ours = [TARGET / "release/fiveways", "load", f"127.0.0.1:{port}", "--json", "-c", connections,
                "-d", f"{alive}s", "--timeout", "60s", *mode]
        theirs = [f"{programs}/gen_epoll", "-p", other, "-c", connections, "-d", alive, "-w", "0", *more]
        ratios, costs, resident = [], [], 0
        server = f"{programs}/echo_servers", "epolllt"
        with pinned_server(*server, str(port)), pinned_server(*server, str(other)):
            while len(ratios) < least or (len(ratios) < most and half_width(ratios) > narrow):
                swap = len(ratios) % 2
                order = lambda pair: pair[::-1] if swap else pair
                made, spent = in_turns(order([ours, theirs]), [opening] * 2, turns, seconds)
                us = order(spent)
                ratios.append(statistics.median(a / b for a, b in zip(*us)))
                costs.append([statistics.median(side) for side in us])
                resident = max(resident, order(made)[0]["resident_bytes"])
        ratio, low, high = interval(ratios)
        a, b = (statistics.median(side) for side in zip(*costs))
        print(f"generator, {connections} connections{', crr' if mode else ''}: {a:.2f} µs a round trip against "
              f"{b:.2f} µs of the C generator that verifies nothing: ratio {ratio:.3f} ({low:.3f}-{high:.3f}), "
              f"{len(ratios)} times {turns // 2} pairs of turns of {seconds} s; {resident / 2**20:.1f} MiB resident",
              flush=True)


def pacing():
    with pinned_server(TARGET / "release/echo-server", "event-loop", "--port", "9160"):
        for _ in range(5):
            made = load(9160, "-c", 50, "-R", 20000, "-d", "5s", "--warmup", "500ms")
            busy = made["generator_cpu_us_per_request"] * made["throughput_per_s"] / 1e6
            lag = made["schedule_lag_ns"]
            print(f"pacing, 20,000/s over 50 connections: sent {made['sent']}, ok {made['ok']}, lag p50 "
                  f"{lag['p50'] / 1e3:.1f} µs, p99 {lag['p99'] / 1e3:.1f} µs (at most 50), generator busy "
                  f"{busy:.0%} (at most 85 %)", flush=True)


def stall():
    """A server that stands still once for 1.4 s of 20 s, under 2,000 requests a second."""
    server = subprocess.Popen(
        ["taskset", "-c", str(SERVER_CPU), TARGET / "release/echo-server", "event-loop", "--port", "9161"],
        stdout=subprocess.DEVNULL)
    try:
        while socket.socket().connect_ex(("127.0.0.1", 9161)):
            pass

        def stand_still():
            time.sleep(8)
            server.send_signal(signal.SIGSTOP)
            time.sleep(1.4)
            server.send_signal(signal.SIGCONT)

        threading.Thread(target=stand_still, daemon=True).start()
        made = load(9161, "-c", 20, "-R", 2000, "--pace", "constant", "-d", "20s", "--timeout", "10s")
        print(f"stall of 1.4 s in 20 s at 2,000/s over 20 connections: response p99 "
              f"{made['response_ns']['p99'] / 1e9:.3f} s (1.2 ± 10 %), service p99 "
              f"{made['service_ns']['p99'] / 1e6:.2f} ms (below 100), sent {made['sent']}, ok {made['ok']}")
    finally:
        server.send_signal(signal.SIGCONT)
        server.terminate()
        server.wait()


def many():
    with pinned_server(TARGET / "release/echo-server", "event-loop", "--port", "9162"):
        made = load(9162, "-c", 19000, "-d", "5s")
        print(f"19,000 connections: {made['connections']['served']} served, {made['throughput_per_s']:.0f}/s, "
              f"errors {made['errors']}, {made['resident_bytes'] / 2**20:.1f} MiB resident")


def churn():
    """By minutes: what a minute here differs from the next is what two halves may differ by."""
    with pinned_server(TARGET / "release/echo-server", "event-loop", "--port", "9163"):
        minutes = [load(9163, "-c", 16, "-d", "60s", "--mode", "crr") for _ in range(10)]
    rates = [made["throughput_per_s"] for made in minutes]
    errors = [made["errors"] for made in minutes if made["errors"]]
    first, second = rates[:5], rates[5:]
    rng = random.Random(1)
    drawn = sorted(statistics.median(rng.choices(second, k=5)) / statistics.median(rng.choices(first, k=5))
                   for _ in range(4000))
    print(f"ten minutes of churn: {', '.join(f'{rate:.0f}' for rate in rates)} requests/s by minute; the second five / "
          f"the first {statistics.median(second) / statistics.median(first):.3f} ({drawn[100]:.3f}-{drawn[-100]:.3f}), "
          f"errors {errors}")
