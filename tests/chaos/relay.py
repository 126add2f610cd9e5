"""Stands where clients are told that a broker is, and passes bytes on to where it listens; so lines can be cut, or die."""

import asyncio
import contextlib
import os
import pathlib
import socket
import struct


def local_ports(pid):
    """Of all TCP connections of a process."""
    inodes = set()
    with contextlib.suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                inodes.add(os.readlink(entry.path))
    ports = set()
    for table in ("tcp", "tcp6"):
        for line in pathlib.Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            words = line.split()
            if f"socket:[{words[9]}]" in inodes:
                ports.add(int(words[1].rsplit(":", 1)[1], 16))
    return ports


class Line:
    def __init__(self, client, server):
        self.client = client
        self.server = server
        self.port = client.get_extra_info("peername")[1]
        self.flows = asyncio.Event()
        self.flows.set()

    def reset(self):
        """As a firewall does it: both ends hear of it."""
        for writer in (self.client, self.server):
            with contextlib.suppress(OSError):
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def die(self):
        """Nothing comes through any more, and nobody is told."""
        self.flows.clear()


class Relay:
    def __init__(self, at, to):
        self._at = at
        self._to = to
        self._lines = set()
        self._server = None
        self._tasks = set()

    async def start(self):
        host, port = self._at.rsplit(":", 1)
        self._server = await asyncio.start_server(self._serve, host, int(port))

    def close(self):
        if self._server:
            self._server.close()
        for line in list(self._lines):
            line.reset()

    def lines(self, pid=None):
        """All, or those of one process."""
        ports = None if pid is None else local_ports(pid)
        return [line for line in self._lines if ports is None or line.port in ports]

    async def _serve(self, from_client, to_client):
        host, port = self._to.rsplit(":", 1)
        try:
            from_server, to_server = await asyncio.open_connection(host, int(port))
        except OSError:
            to_client.transport.abort()
            return
        line = Line(to_client, to_server)
        self._lines.add(line)
        pumps = [asyncio.create_task(self._pump(line, from_client, to_server)),
                 asyncio.create_task(self._pump(line, from_server, to_client))]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            self._lines.discard(line)
            for writer in (to_client, to_server):
                writer.close()

    @staticmethod
    async def _pump(line, reader, writer):
        with contextlib.suppress(OSError):
            while piece := await reader.read(1 << 16):
                await line.flows.wait()
                if writer.transport.is_closing():
                    break
                writer.write(piece)
                await writer.drain()
