"""An http server on this machine itself that answers well, badly, slowly or never: the tests' only network."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from unittest.mock import patch

CONTENT = bytes(range(256)) * 40


@dataclass
class Loopback:
    """A server under way: its address, what it serves as ``/file``, and what it was asked for."""

    address: str
    content: bytes = CONTENT
    asked: list[str] = field(default_factory=list)


@contextmanager
def serving(content: bytes = CONTENT) -> Iterator[Loopback]:
    """Serve until the block ends."""
    stopped = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            loopback.asked.append(self.path)
            with suppress(OSError):  # whoever hangs up does so on purpose
                answer(self, loopback.content, stopped)

        def log_message(self, *words: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    loopback = Loopback(f"http://127.0.0.1:{server.server_port}", content)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        with patch.dict(os.environ, no_proxy="127.0.0.1"):  # a proxy of this machine must not see it
            yield loopback
    finally:
        stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()


def answer(request: BaseHTTPRequestHandler, content: bytes, stopped: threading.Event) -> None:
    """Answer as the path says."""
    word, _, rest = request.path.strip("/").partition("/")
    if word == "redirect":
        where = {"ftp": "ftp://127.0.0.1/file", "disk": "file:///etc/hostname", "plain": "http://192.0.2.1/file"}
        send(request, 302, b"", Location=where.get(rest, f"/{rest}"))
    elif word == "hops":
        send(request, 302, b"", Location="/file" if rest == "1" else f"/hops/{int(rest) - 1}")
    elif word == "loop":
        send(request, 302, b"", Location="/loop")
    elif word == "status":
        send(request, int(rest), b"no")
    elif word == "truncated":
        send(request, 200, content[: len(content) // 2], **{"Content-Length": str(len(content))})
    elif word == "claims":
        send(request, 200, b"", **{"Content-Length": rest})
    elif word == "page":
        send(request, 200, b"<!DOCTYPE html>\n<html><body>Please log in</body></html>")
    elif word == "pointer":
        send(request, 200, b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
    elif word in ("endless", "drip"):
        request.send_response(200)
        request.end_headers()
        while not stopped.is_set():
            request.wfile.write(bytes(1 if word == "drip" else 65536))
            time.sleep(0.01 if word == "drip" else 0.0)
    elif word == "slow-header":
        while not stopped.is_set():
            request.wfile.write(b"X")
            time.sleep(0.01)
    elif word == "silence":
        stopped.wait(30)
    elif word == "nonsense":
        request.wfile.write(b"\x00\xff nonsense\r\n\r\n")
    else:
        send(request, 200, content)


def send(request: BaseHTTPRequestHandler, status: int, content: bytes, **headers: str) -> None:
    """Send an answer; its length is told unless a header says otherwise."""
    request.send_response(status)
    for name, value in ({"Content-Length": str(len(content))} | headers).items():
        request.send_header(name, value)
    request.end_headers()
    request.wfile.write(content)
