"""An echo server that ends in the middle of a reply: python3 mortal.py PORT HOW [N], at the N-th connection (1). For tests."""
import os
import signal
import socket
import sys
import time

port, how, left = int(sys.argv[1]), sys.argv[2], int((sys.argv + ["1"])[3])
listener = socket.create_server(("127.0.0.1", port))
while True:
    accepted, _ = listener.accept()
    left -= 1
    while data := accepted.recv(65536):
        if left == 0 and how == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        if left == 0 and how == "exits":
            sys.exit("mortal: that is all")
        if left == 0 and how == "hangs":
            os.fork()
            time.sleep(600)
        if left == 0 and how == "stops":
            os.kill(os.getpid(), signal.SIGSTOP)
        accepted.sendall(data)
    accepted.close()
