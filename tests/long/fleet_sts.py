# SPDX-License-Identifier: MIT
"""An STS in front of the lab's STS that throttles, answers late, and fails in several ways. A program of its own, so
that it does not wait for the hosts that test_fleet.py simulates:

    tests/python tests/long/fleet_sts.py UPSTREAM_PORT CERTIFICATE KEY RATE BURST

It reads the mode from its standard input, one word a line, and writes its port, and then one line for each request:

    SECONDS HOST OUTCOME            such as: 12.345 host-0007 throttled

In the mode "up", RATE requests per second are forwarded to the lab's STS, and BURST more if the service was idle. The
response to all other requests is the error Throttling of STS. SECONDS are those of the monotonic clock; HOST is the
name of the role session.

| mode | what a client gets |
|---|---|
| up | the lab's response after 20 to 400 ms, or the error Throttling |
| refused | no connection: the port is closed |
| unavailable | status 503, after 20 to 400 ms |
| silent | a connection on which no response arrives |
"""
import asyncio
import random
import re
import ssl
import sys
import time
import uuid

DELAY_SECONDS = (0.02, 0.4)
SILENT_SECONDS = 30
CLIENT_SECONDS = 60
BACKLOG = 4096
# What STS sends if an account exceeds its quota. UNAVAILABLE is what AWS's gateways send.
THROTTLED = "<Type>Sender</Type>\n    <Code>Throttling</Code>\n    <Message>Rate exceeded</Message>"
ERROR = ('<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">\n  <Error>\n    {}\n  </Error>\n'
         "  <RequestId>{}</RequestId>\n</ErrorResponse>\n")
UNAVAILABLE = "<html><body><h1>503 Service Unavailable</h1></body></html>\n"


class Bucket:
    """A token bucket: `rate` requests per second, and up to `burst` at once."""

    def __init__(self, rate, burst):
        self.rate, self.burst = rate, burst
        self._tokens, self._since = burst, time.monotonic()

    def take(self):
        now = time.monotonic()
        self._tokens = min(self.burst, self._tokens + (now - self._since) * self.rate)
        self._since = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Service:
    def __init__(self, upstream, certificate, key, bucket):
        self._upstream, self._bucket = upstream, bucket
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._server = self._port = None
        self._mode = "up"
        self._tasks = set()

    async def open(self):
        """Listens, on the same port each time."""
        self._server = await asyncio.start_server(
            self._serve, "127.0.0.1", self._port or 0, ssl=None if self._mode == "silent" else self._context,
            backlog=BACKLOG, reuse_address=True)
        self._port = self._server.sockets[0].getsockname()[1]

    def close(self):
        if self._server is not None:
            self._server.close()
            self._server = None

    async def set_mode(self, mode):
        self.close()
        self._mode = mode
        if mode != "refused":
            await self.open()

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)  # the event loop does not keep a task alive
        try:
            await asyncio.wait_for(self._exchange(reader, writer), CLIENT_SECONDS)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            pass  # the client has closed the connection, or sends nothing
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _exchange(self, reader, writer):
        if self._mode == "silent":
            print(f"{time.monotonic():.3f} - silent", flush=True)
            await asyncio.sleep(SILENT_SECONDS)
            return
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
        body = await reader.readexactly(length)
        found = re.search(rb"RoleSessionName=([\w-]+)", body)
        outcome, delay = self._decide(), random.uniform(*DELAY_SECONDS)
        print(f"{time.monotonic():.3f} {found[1].decode() if found else '-'} {outcome}", flush=True)
        await asyncio.sleep(delay)
        writer.write(await self._response(outcome, head, body))
        await writer.drain()

    def _decide(self):
        if self._mode == "unavailable":
            return "unavailable"
        return "answered" if self._bucket.take() else "throttled"

    async def _response(self, outcome, head, body):
        if outcome == "unavailable":
            return _answer(503, "Service Unavailable", "text/html", UNAVAILABLE)
        if outcome == "throttled":
            return _answer(400, "Bad Request", "text/xml", ERROR.format(THROTTLED, uuid.uuid4()))
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        # Without this header, the lab's STS keeps the connection open after its response.
        writer.write(head[:-2] + b"Connection: close\r\n\r\n" + body)
        response = await reader.read()
        writer.close()
        return response


def _answer(status, reason, content_type, body):
    return (f"HTTP/1.1 {status} {reason}\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n"
            f"x-amzn-RequestId: {uuid.uuid4()}\r\nConnection: close\r\n\r\n{body}").encode()


async def main(upstream, certificate, key, rate, burst):
    service = Service(int(upstream), certificate, key, Bucket(float(rate), float(burst)))
    await service.open()
    print(service._port, flush=True)
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while line := await reader.readline():
        await service.set_mode(line.decode().strip())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
