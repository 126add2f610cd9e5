"""Just enough of the remoting protocol to send messages, make a topic and ask for offsets: apart from the library under test."""

import asyncio
import contextlib
import json
import struct

SEND_MESSAGE = 10
QUERY_CONSUMER_OFFSET = 14
CREATE_TOPIC = 17
GET_MAX_OFFSET = 30
GET_ROUTE = 105


class Refused(Exception):
    """The server answered with another code than success, which is its first argument."""


class Connection:
    def __init__(self, reader, writer):
        self._reader = reader
        self._writer = writer
        self._opaque = 0
        self._waiting = {}
        self.is_open = True
        self._task = asyncio.create_task(self._read())

    @staticmethod
    async def open(address):
        host, port = address.rsplit(":", 1)
        return Connection(*await asyncio.wait_for(asyncio.open_connection(host, int(port)), 3))

    @property
    def under_way(self):
        return len(self._waiting)

    async def request(self, code, fields, body=b"", patience_s=5.0):
        """@return Fields and body of the answer. @throw Refused, ConnectionError, TimeoutError"""
        if not self.is_open:
            raise ConnectionResetError
        self._opaque += 1
        opaque = self._opaque
        header = json.dumps({"code": code, "language": "OTHER", "version": 0, "opaque": opaque, "flag": 0,
                             "extFields": {name: str(value) for name, value in fields.items()}}).encode()
        answer = asyncio.get_running_loop().create_future()
        self._waiting[opaque] = answer
        try:
            self._writer.write(struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body)
            header, body = await asyncio.wait_for(answer, patience_s)
        finally:
            self._waiting.pop(opaque, None)
        if header["code"] != 0:
            raise Refused(header["code"], header.get("remark"))
        return header.get("extFields") or {}, body

    async def _read(self):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            while True:
                (length,) = struct.unpack(">I", await self._reader.readexactly(4))
                frame = await self._reader.readexactly(length)
                size = struct.unpack(">I", frame[:4])[0] & 0xFFFFFF
                header = json.loads(frame[4:4 + size])
                answer = self._waiting.get(header["opaque"])
                if header.get("flag", 0) & 1 and answer and not answer.done():
                    answer.set_result((header, frame[4 + size:]))
        self.is_open = False
        self._writer.close()
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(ConnectionResetError())

    def close(self):
        self._task.cancel()
        self.is_open = False
        self._writer.close()


async def ask(address, code, fields):
    """One request on a connection of its own."""
    connection = await Connection.open(address)
    try:
        return await connection.request(code, fields)
    finally:
        connection.close()
