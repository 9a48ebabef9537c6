"""Network namespaces of this machine as hosts: cables between them, OpenSSH in each, a relay that delays. Root, iproute2.

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
import struct
import subprocess
import threading
import time

SERVICE = "10.79.0.1"
NAMES = ["fwp-server", "fwp-load1", "fwp-load2", "fwp-load3"]
ADDRESSES = ["127.0.0.1", "10.79.1.2", "10.79.2.2", "10.79.3.2"]
SERVER_CPU, LOAD_CPU = os.cpu_count() - 1, 0
SPIN = 0.0002  # seconds before a packet is due: longer than a thread oversleeps


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


def processes(name):
    """Those of a namespace that live, with their words."""
    listed = subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True, check=True).stdout
    found = {}
    for pid in map(int, listed.split()):
        with contextlib.suppress(OSError):
            found[pid] = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    return found


@contextlib.contextmanager
def daemons(place):
    """OpenSSH in each; yields the words of a launcher, and the processes of the daemons."""
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"{place}/{name}"], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    pathlib.Path(place, "sshd_config").write_text(
        f"HostKey {place}/host\nAuthorizedKeysFile {place}/user.pub\nPidFile none\nStrictModes no\nUsePAM no\n"
        "PermitRootLogin yes\nPasswordAuthentication no\nClientAliveInterval 1\nClientAliveCountMax 2\n")
    pathlib.Path(place, "ssh_config").write_text(
        f"Host *\nUser root\nIdentityFile {place}/user\nIdentitiesOnly yes\nStrictHostKeyChecking no\n"
        "UserKnownHostsFile /dev/null\nBatchMode yes\nLogLevel ERROR\n")
    running = [subprocess.Popen(["ip", "netns", "exec", name, "/usr/sbin/sshd", "-D", "-e", "-f", f"{place}/sshd_config"],
                                stderr=subprocess.DEVNULL) for name in NAMES]
    try:
        deadline = time.monotonic() + 10
        while not all(listens(name) for name in NAMES):
            assert time.monotonic() < deadline, "sshd does not listen after 10 s: by hand, sshd -D -d -f with a configuration"
            time.sleep(0.05)
        yield ["ip", "netns", "exec", NAMES[0], "ssh", "-F", f"{place}/ssh_config", "{host}"], {one.pid for one in running}
    finally:
        for one in running:
            one.kill()
            one.wait()


def listens(name):
    """Whether sshd does, there."""
    return ":22 " in subprocess.run(["ip", "netns", "exec", name, "ss", "-ltn"], capture_output=True, text=True).stdout


def hosts_file(path, launcher, server, loads, address=SERVICE):
    """A file of hosts."""
    cpus = f"cpus = [{LOAD_CPU}]\n"
    path.write_text(f"launcher = {json.dumps(launcher)}\n[server]\nhost = \"{server}\"\naddress = \"{address}\"\n"
                    f"cpus = [{SERVER_CPU}]\n" + "".join(f"[[load]]\nhost = \"{load}\"\n{cpus}" for load in loads))
    return path


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
        other = dict(zip(self.ends, reversed(self.ends)))
        while not self.over:
            left = waiting[0][0] - time.monotonic() if waiting else 0.2
            # One packet of each: what lies between reading and writing would be part of a way of 0 ms alone.
            for fd in select.select(self.ends, [], [], max(0.0, left - SPIN))[0]:
                packet = os.read(fd, 65536)
                waiting.append((time.monotonic() + self.delay, other[fd], packet))
            while waiting and waiting[0][0] - time.monotonic() < SPIN:
                due, fd, packet = waiting.popleft()
                while time.monotonic() < due:
                    pass
                os.write(fd, packet)

    def end(self):
        self.over = True
        self.join()
        for fd in self.ends:
            os.close(fd)
