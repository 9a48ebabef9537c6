"""A master that accepts and passes connections to two children: three to the first, one to the second, and again.

Usage: uneven.py PORT
"""
import os
import selectors
import socket
import sys


def child(channel):
    """Echoes on every connection that comes over the channel."""
    waiting = selectors.DefaultSelector()
    waiting.register(channel, selectors.EVENT_READ)
    while True:
        for key, _ in waiting.select():
            if key.fileobj is channel:
                message, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
                if not message:
                    os._exit(0)
                waiting.register(socket.socket(fileno=descriptors[0]), selectors.EVENT_READ)
            elif data := key.fileobj.recv(65536):
                key.fileobj.sendall(data)
            else:
                waiting.unregister(key.fileobj)
                key.fileobj.close()


def main():
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
    channels = []
    for _ in range(2):
        ours, theirs = socket.socketpair()
        if os.fork() == 0:
            listener.close()
            ours.close()
            for other in channels:
                other.close()
            child(theirs)
        theirs.close()
        channels.append(ours)
    number = 0
    while True:
        connection, _ = listener.accept()
        socket.send_fds(channels[number % 4 == 3], [b"."], [connection.fileno()])
        connection.close()
        number += 1


main()
