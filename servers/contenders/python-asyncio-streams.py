# asyncio's streams, as short as they get: {port} {address}, one event loop, a task for each connection.
import asyncio
import signal
import sys


async def echo(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        pass  # a reset is the client's business
    finally:
        writer.close()


async def main():
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, sys.exit)
    server = await asyncio.start_server(echo, sys.argv[2], int(sys.argv[1]), backlog=4096)
    print("listening on %s:%d" % server.sockets[0].getsockname()[:2], flush=True)
    await server.serve_forever()


asyncio.run(main())
