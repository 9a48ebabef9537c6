"""An echo server that touches so many KiB of memory a connection: python3 toucher.py PORT KIB. For tests."""
import mmap
import selectors
import socket
import sys

port, kib = int(sys.argv[1]), int(sys.argv[2])
PAGE = 4096
selector = selectors.DefaultSelector()


def touched():
    """Pages of one's own, each written to; huge ones would be touched as a whole."""
    if kib == 0:
        return None
    memory = mmap.mmap(-1, kib << 10, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)
    for at in range(0, kib << 10, PAGE):
        memory[at] = 1
    return memory


def accept(listener, _):
    connection, _ = listener.accept()
    selector.register(connection, selectors.EVENT_READ, (serve, touched()))


def serve(connection, _):
    try:
        data = connection.recv(65536)
        connection.sendall(data)
    except OSError:
        data = b""
    if not data:
        selector.unregister(connection)
        connection.close()


selector.register(socket.create_server(("127.0.0.1", port), backlog=512), selectors.EVENT_READ, (accept, None))
while True:
    for key, _ in selector.select():
        do, memory = key.data
        do(key.fileobj, memory)
