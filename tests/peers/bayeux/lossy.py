"""A proxy that loses what a server sends. Usage: lossy.py PORT SERVER_PORT CONTROL_PORT

GET /lose?n=N on the control port: the next N times that a server's bytes hold an event, they are swallowed and the connection
is cut on both sides. GET /lost says how many that were, GET /cut ends all connections at once.
"""
import asyncio
import sys

port, server, control = map(int, sys.argv[1:])
EVENT = b'"pad"'
wanted = lost = 0
open_ones = set()


def cut(*writers):
    for writer in writers:
        writer.transport.abort()


async def pump(reader, writer, other, lossy):
    global wanted, lost
    try:
        while data := await reader.read(65536):
            if lossy and wanted and EVENT in data:
                wanted, lost = wanted - 1, lost + 1
                break
            writer.write(data)
            await writer.drain()
    except OSError:
        pass
    cut(writer, other)


async def proxy(reader, writer):
    try:
        back_reader, back_writer = await asyncio.open_connection("127.0.0.1", server)
    except OSError:
        return cut(writer)
    open_ones.update((writer, back_writer))
    await asyncio.gather(pump(reader, back_writer, writer, False), pump(back_reader, writer, back_writer, True))
    open_ones.difference_update((writer, back_writer))


async def steer(reader, writer):
    global wanted
    verb = (await reader.readline()).split()[1].decode()
    if verb.startswith("/lose?n="):
        wanted = int(verb[8:])
    if verb == "/cut":
        cut(*open_ones)
    body = b"%d\n" % lost
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()
    writer.close()


async def main():
    await asyncio.start_server(proxy, "127.0.0.1", port)
    await asyncio.start_server(steer, "127.0.0.1", control)
    await asyncio.Event().wait()


asyncio.run(main())
