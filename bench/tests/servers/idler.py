"""An echo server that rests, or does not, while nobody asks: python3 idler.py PORT rests|burns. For tests."""
import socket
import sys
import threading
import time

port, manner = int(sys.argv[1]), sys.argv[2]


def burn():
    """A tenth of a core."""
    while True:
        until = time.monotonic() + 0.001
        while time.monotonic() < until:
            pass
        time.sleep(0.009)


def serve(connection):
    with connection:
        while data := connection.recv(65536):
            connection.sendall(data)


if manner == "burns":
    threading.Thread(target=burn, daemon=True).start()
listener = socket.create_server(("127.0.0.1", port), backlog=512)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
