"""An echo server with a fault: python3 faulty.py PORT FAULT. For tests."""
import os
import signal
import socket
import sys
import threading

port, fault = int(sys.argv[1]), sys.argv[2]
requests = 0
print(f"about to show the fault {fault}", file=sys.stderr, flush=True)
if fault == "exit":
    sys.exit(7)
if fault == "deaf":
    signal.pause()
if fault == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)


def after_a_while():
    if fault == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if fault == "hang":
        os.kill(os.getpid(), signal.SIGSTOP)


def serve(connection):
    global requests
    with connection:
        while data := connection.recv(65536):
            requests += 1
            if requests == 500:
                after_a_while()
            connection.sendall(data)


listener = socket.create_server(("127.0.0.1", port), backlog=512)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
