# asyncio's protocols, as short as they get: {port} {address}, one event loop that calls back; back-pressure is two lines.
import asyncio
import signal
import sys


class Echo(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport
        self.data_received = transport.write
        self.pause_writing = transport.pause_reading
        self.resume_writing = transport.resume_reading


async def main():
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, sys.exit)
    server = await loop.create_server(Echo, sys.argv[2], int(sys.argv[1]), backlog=4096)
    print("listening on %s:%d" % server.sockets[0].getsockname()[:2], flush=True)
    await server.serve_forever()


asyncio.run(main())
