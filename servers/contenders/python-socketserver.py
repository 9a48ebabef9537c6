# socketserver, as short as it gets: {port} {address} Forking|Threading, a process or a thread for each connection.
import signal
import socketserver
import sys

Base = {"Forking": socketserver.ForkingTCPServer, "Threading": socketserver.ThreadingTCPServer}[sys.argv[3]]


class Server(Base):
    allow_reuse_address = True
    request_queue_size = 4096
    max_children = 1 << 20  # 40 by default: the 41st client would wait for one to leave
    daemon_threads = True


class Echo(socketserver.StreamRequestHandler):
    disable_nagle_algorithm = True
    wbufsize = rbufsize = 0

    def handle(self):
        try:
            while data := self.connection.recv(4096):
                self.connection.sendall(data)
        except ConnectionError:
            pass  # a reset is the client's business


signal.signal(signal.SIGTERM, signal.SIG_DFL)
with Server((sys.argv[2], int(sys.argv[1])), Echo) as server:
    print("listening on %s:%d" % server.server_address[:2], flush=True)
    server.serve_forever()
