"""A download ends: with the very bytes, or with one reason, whatever the server does."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import pytest

from sphereface import download as module
from sphereface.download import DownloadError, download
from tests.loopback import CONTENT, Loopback, serving


@pytest.fixture(scope="module")
def server() -> Iterator[Loopback]:
    with serving() as loopback:
        yield loopback


@pytest.mark.parametrize("path", ["/file", "/redirect/file", "/hops/4"])
def test_the_bytes_arrive(server: Loopback, path: str) -> None:
    assert download(server.address + path, most_bytes=len(CONTENT)) == CONTENT


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/truncated", f"broke off after {len(CONTENT) // 2:,} of {len(CONTENT):,} bytes"),
        ("/endless", f"more than the {len(CONTENT):,} bytes expected"),
        (f"/claims/{len(CONTENT) + 1}", f"more than the {len(CONTENT):,} bytes expected"),
        ("/claims/99999999999999999999", "bytes expected"),
        ("/claims/ten", "makes no sense"),
        ("/nonsense", "makes no sense"),
        ("/status/404", "the server answered 404 Not Found"),
        ("/status/500", "the server answered 500 Internal Server Error"),
        ("/status/799", "the server answered 799"),
        ("/redirect/ftp", "'ftp://127.0.0.1/file' does not begin with https://"),
        ("/redirect/plain", "'http://192.0.2.1/file' does not begin with https://"),
        ("/redirect/disk", r"leads on to where this program does not follow \(302\)"),
        ("/hops/9", r"leads on to where this program does not follow \(302\)"),
        ("/loop", r"leads on to where this program does not follow \(302\)"),
    ],
)
def test_bad_answers(server: Loopback, path: str, reason: str) -> None:
    with pytest.raises(DownloadError, match=reason):
        download(server.address + path, most_bytes=len(CONTENT))


@pytest.mark.parametrize("path", ["/drip", "/slow-header", "/silence"])
def test_slow_answers_are_given_up(server: Loopback, path: str) -> None:
    began = time.monotonic()
    with pytest.raises(DownloadError, match=r"took longer than 0\.3 seconds"):
        download(server.address + path, most_bytes=10**9, seconds=0.3)
    assert time.monotonic() - began < 5


def test_a_silent_server_is_not_waited_for_to_the_end(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENCE", 0.2)
    with pytest.raises(DownloadError, match="the server is silent"):
        download(f"{server.address}/silence", most_bytes=10, seconds=20)


def test_nobody_is_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match="no connection: connection refused"):
        download(f"http://127.0.0.1:{port}/file", most_bytes=10)


def test_no_certificate_no_content(server: Loopback) -> None:
    with pytest.raises(DownloadError, match="no connection"):
        download(server.address.replace("http:", "https:"), most_bytes=10)


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("http://192.0.2.1/file", "does not begin with https://"),
        ("http://localhost.example/file", "does not begin with https://"),
        ("http://127.0.0.1.example/file", "does not begin with https://"),
        ("ftp://127.0.0.1/file", "does not begin with https://"),
        ("file:///etc/hostname", "is no address"),
        ("https://", "is no address"),
        ("https://127.0.0.1:port/", "is no address"),
        ("https://[::1/file", "is no address"),
        ("https://127.0.0.1/a file", "is no address"),
        ("https://127.0.0.1/\n", "is no address"),
        ("https://me:secret@127.0.0.1/file", "user name or password"),
    ],
)
def test_addresses_that_are_not_asked(address: str, reason: str) -> None:
    with pytest.raises(DownloadError, match=reason) as caught:
        download(address, most_bytes=10)
    assert "secret" not in str(caught.value)


def test_a_redirection_never_leads_from_https_to_the_loopback() -> None:
    with pytest.raises(DownloadError, match="does not begin with https://"):
        module._insist_on_safe("http://127.0.0.1/file", before="https")
    module._insist_on_safe("https://127.0.0.1/file", before="https")


def test_a_proxy_is_used_and_its_page_is_what_comes(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", server.address)
    monkeypatch.setenv("no_proxy", "")
    assert download("http://localhost:1/page", most_bytes=len(CONTENT)) == CONTENT
    assert server.asked[-1] == "http://localhost:1/page"
