"""An echo server that hangs up on whoever says nothing for so many milliseconds: python3 impatient.py PORT MS. For tests."""
import socket
import sys
import threading

port, patience_ms = int(sys.argv[1]), int(sys.argv[2])


def serve(connection):
    connection.settimeout(patience_ms / 1000)
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(data)
        except TimeoutError:
            pass


listener = socket.create_server(("127.0.0.1", port), backlog=512)
while True:
    accepted, _ = listener.accept()
    threading.Thread(target=serve, args=(accepted,), daemon=True).start()
