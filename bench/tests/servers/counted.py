"""An echo server that does known things for each request, before it answers: python3 counted.py PORT FORKS YIELDS
PAGES. Forks and awaits so many children, gives up its core so often, touches so many fresh pages. For tests."""
import mmap
import os
import socket
import sys

port, forks, yields, pages = map(int, sys.argv[1:])
PAGE = 4096
memory = mmap.mmap(-1, max(1, pages) * PAGE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
# Huge ones would be touched as a whole.
memory.madvise(mmap.MADV_NOHUGEPAGE)


def work():
    for _ in range(forks):
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)
    for _ in range(yields):
        os.sched_yield()
    for page in range(pages):
        memory[page * PAGE] = 1
    # Given back, so that the next request touches fresh ones; without pages likewise, and for nothing.
    memory.madvise(mmap.MADV_DONTNEED)


listener = socket.create_server(("127.0.0.1", port), backlog=512)
while True:
    connection, _ = listener.accept()
    while data := connection.recv(64):
        work()
        connection.sendall(data)
    connection.close()
