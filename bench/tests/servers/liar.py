"""An echo server that lies: python3 liar.py PORT LIE. For tests."""
import socket
import sys
import threading

port, lie = int(sys.argv[1]), sys.argv[2]
seen = {}
lock = threading.Lock()


def falsify(number, count, data):
    """The reply to the data that connection `number` sent in its piece `count`."""
    with lock:
        seen[number] = data
        other = next((said for who, said in reversed(seen.items()) if who != number), None)
    if count < 3:
        return data
    if lie == "flip":
        return data[:-1] + bytes([data[-1] ^ 1])
    if lie == "drop-tail":
        return data[:-5]
    if lie == "twice":
        return data + data
    if lie == "other-client":
        return (other or data)[: len(data)]
    raise SystemExit(f"no such lie: {lie}")


def serve(number, connection):
    count = 0
    with connection:
        try:
            while data := connection.recv(65536):
                connection.sendall(falsify(number, count, data))
                count += 1
        except OSError:
            pass
    with lock:
        seen.pop(number, None)


listener = socket.create_server(("127.0.0.1", port), backlog=512)
number = 0
while True:
    accepted, _ = listener.accept()
    number += 1
    threading.Thread(target=serve, args=(number, accepted), daemon=True).start()
