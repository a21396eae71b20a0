"""One file from the network: a few bytes at most, in a given time, and only over https.

The only place that opens a connection, and only because a person asked for it by a command.
"""

from __future__ import annotations

import ipaddress
import threading
from concurrent.futures import Future
from http.client import HTTPException, HTTPMessage, responses
from typing import IO
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import (
    HTTPDefaultErrorHandler,
    HTTPErrorProcessor,
    HTTPHandler,
    HTTPRedirectHandler,
    HTTPSHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
)

from sphereface.errors import SpherefaceError
from sphereface.version import __version__

_SILENCE = 20.0  # seconds without a byte
_BLOCK = 1 << 16


class DownloadError(SpherefaceError):
    """A file was not to be had; the message is the reason alone, for the caller knows what the file is for."""


def download(address: str, *, most_bytes: int, seconds: float = 120.0) -> bytes:
    """Return the content behind an address.

    Proxies are those of the environment. Redirections are followed five times, never away from https.

    Args:
        address: ``https://...``; plain http only on this machine itself (the loopback).
        most_bytes: Nothing is kept beyond; a longer answer is an error.
        seconds: How long everything may take together.

    Raises:
        DownloadError: Nothing else is raised.
    """
    _insist_on_safe(address)
    future: Future[bytes] = Future()
    given_up = threading.Event()

    def work() -> None:
        try:
            future.set_result(_fetch(address, most_bytes, given_up))
        except BaseException as error:
            future.set_exception(error)

    # Neither looking up a name nor an answer that trickles in has a time limit of its own, hence a thread that
    # can be left behind.
    threading.Thread(target=work, daemon=True).start()
    try:
        return future.result(timeout=seconds)
    except TimeoutError as error:
        raise DownloadError(f"it took longer than {seconds:g} seconds") from error
    finally:
        given_up.set()


def _fetch(address: str, most_bytes: int, given_up: threading.Event) -> bytes:
    opener = OpenerDirector()  # not build_opener: files, ftp and data addresses are nothing to download from
    for handler in (
        ProxyHandler(),
        HTTPHandler(),
        HTTPSHandler(),
        _Redirections(),
        HTTPErrorProcessor(),
        HTTPDefaultErrorHandler(),
    ):
        opener.add_handler(handler)
    request = Request(address, headers={"User-Agent": f"sphereface/{__version__}"})  # noqa: S310 - checked before
    try:
        with opener.open(request, timeout=_SILENCE) as response:
            announced = int(response.headers.get("Content-Length", "0"))
            content = bytearray()
            while max(len(content), announced) <= most_bytes and not given_up.is_set():
                block = response.read1(_BLOCK)
                if not block:
                    break
                content += block
    except HTTPError as error:
        error.close()
        raise DownloadError(_refusal(error.code)) from error
    except (HTTPException, ValueError) as error:
        raise DownloadError(f"the answer makes no sense ({type(error).__name__})") from error
    except OSError as error:
        raise DownloadError(_reason(error)) from error
    if max(len(content), announced) > most_bytes:
        raise DownloadError(f"the answer has more than the {most_bytes:,} bytes expected")
    if len(content) < announced:
        raise DownloadError(f"the connection broke off after {len(content):,} of {announced:,} bytes")
    return bytes(content)


def _insist_on_safe(address: str, before: str = "http") -> None:
    """Let pass https, and http on this machine itself if it was no https before."""
    try:
        parts = urlsplit(address)
        host = parts.hostname if parts.port != 0 and address.isprintable() and " " not in address else None
    except ValueError:  # a port that is no number, a bracket that is not closed
        host = None
    if not host:
        raise DownloadError(f"{address!a} is no address of a file")
    if parts.username is not None or parts.password is not None:
        raise DownloadError("an address with a user name or password in it is not used")
    if parts.scheme != "https" and not (before == "http" == parts.scheme and _is_loopback(host)):
        raise DownloadError(f"{address!a} does not begin with https://")


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _refusal(code: int) -> str:
    if 300 <= code < 400:
        return f"the server leads on to where this program does not follow ({code})"
    return f"the server answered {code} {responses.get(code, '')}".rstrip()


def _reason(error: OSError) -> str:
    inner = error.reason if isinstance(error, URLError) else error
    if isinstance(inner, TimeoutError):
        return "the server is silent"
    text = inner.strerror if isinstance(inner, OSError) else None
    return f"no connection: {(text or str(inner) or type(inner).__name__).lower()}"


class _Redirections(HTTPRedirectHandler):
    """Follows a few, and only to where the first address might have led."""

    max_redirections = 5

    def redirect_request(
        self, req: Request, fp: IO[bytes], code: int, msg: str, headers: HTTPMessage, newurl: str
    ) -> Request | None:
        """Look at the next address before it is asked."""
        try:
            _insist_on_safe(newurl, before=req.type)
        except DownloadError:
            fp.close()
            raise
        return super().redirect_request(req, fp, code, msg, headers, newurl)
