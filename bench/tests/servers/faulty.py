"""An echo server with a fault: python3 faulty.py PORT FAULT. For tests."""
import os
import resource
import signal
import socket
import struct
import sys
import threading
import time

port, fault = int(sys.argv[1]), sys.argv[2]
requests = 0
print(f"about to show the fault {fault}", file=sys.stderr, flush=True)
if fault == "exit":
    sys.exit(7)
if fault == "deaf":
    signal.pause()
if fault == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if fault == "tell":
    there = [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]
    print("descriptors", *sorted(there, key=int), file=sys.stderr)
    print("variables", *sorted(os.environ), "\nand clears the screen \x1b[2J\x1b]0;mine\x07", file=sys.stderr, flush=True)
    sys.exit(9)
if fault == "zombies":
    for _ in range(20):
        if os.fork() == 0:
            os._exit(0)


def breed(*_):
    """Told to end, it has children instead, who do not listen either."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    for _ in range(20):
        if os.fork() == 0:
            while True:
                time.sleep(1)


if fault == "breeds":
    signal.signal(signal.SIGTERM, breed)


def stop(seconds):
    """Stands still, and is continued by a child."""
    if os.fork() == 0:
        time.sleep(seconds)
        os.kill(os.getppid(), signal.SIGCONT)
        os._exit(0)
    os.kill(os.getpid(), signal.SIGSTOP)


def after_a_while():
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "abort":
        os.abort()
    if fault == "leave":
        os._exit(7)
    if fault == "shout":
        os.write(2, b"x" * (1 << 20) + b" is what it said last")
        os._exit(7)
    if fault == "hang":
        os.kill(os.getpid(), signal.SIGSTOP)
    if fault == "stall":
        stop(1.4)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def reply(connection, data):
    """Whether the connection is still there."""
    if requests != 500:
        connection.sendall(data)
        return True
    if fault in ("reset-in-reply", "close-in-reply"):
        connection.sendall(data[:10])
    if fault.startswith("reset-"):
        reset(connection)
        return False
    if fault.startswith("close-"):
        connection.close()
        return False
    if fault == "drip":
        for byte in data:
            connection.sendall(bytes([byte]))
            time.sleep(0.1)
        return True
    connection.sendall(data)
    return True


def serve(connection):
    global requests
    with connection:
        while data := connection.recv(65536):
            requests += 1
            if requests == 500:
                after_a_while()
            if not reply(connection, data):
                return


listener = socket.create_server(("127.0.0.1", port), backlog=512)
if fault == "descriptors":
    open_now = len(os.listdir("/proc/self/fd")) - 1
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_now + 4, open_now + 4))
while True:
    try:
        accepted, _ = listener.accept()
    except OSError:
        # Out of descriptors: whoever waits at the door waits.
        time.sleep(0.05)
        continue
    if fault == "turn-away":
        reset(accepted)
        continue
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
