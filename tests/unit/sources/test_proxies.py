"""Which requests go through a proxy."""

from __future__ import annotations

import httpx
import pytest

from pipeline.sources.proxies import ProxiedTransport, goes_directly
from pipeline.system.errors import DownloadError
from tests.fakes.http_server import Loopback


@pytest.mark.parametrize(
    ("no_proxy", "host", "port", "directly"),
    [
        ("", "a.example", 443, False),
        ("*", "a.example", 443, True),
        ("other, .a.example", "a.example", 443, True),
        ("a.example", "b.a.example", 443, True),
        ("*.a.example", "b.a.example", 443, True),
        ("A.Example", "a.example", 443, True),
        ("a.example", "ba.example", 443, False),
        ("a.example:8443", "a.example", 443, False),
        ("a.example:8443", "a.example", 8443, True),
        ("10.1.2.3", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "10.1.2.3", 80, True),
        ("10.0.0.0/8", "11.1.2.3", 80, False),
        ("10.0.0.0/8", "ten.example", 80, False),
        ("127.0.0.1:81", "127.0.0.1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]", "::1", 80, True),
        ("[::1]:80", "::1", 80, True),
        ("[::1]:81", "::1", 80, False),
        ("fd00::/8", "fd12::1", 80, True),
        ("fd00::/8", "fe80::1", 80, False),
        ("fd00::/8", "10.1.2.3", 80, False),
        ("xn--bcher-kva.example", "xn--bcher-kva.example", 443, True),
        ("bücher.example", "xn--bcher-kva.example", 443, True),
        ("straße.example", "xn--strae-oqa.example", 443, True),
        ("a.example", "a.example.", 443, True),
        ("a.example.", "a.example", 443, True),
        ("a.example:" + "9" * 5000, "a.example", 443, False),
    ],
)
def test_no_proxy(no_proxy: str, host: str, port: int, directly: bool) -> None:  # noqa: FBT001
    assert goes_directly(no_proxy, host, port) == directly


@pytest.mark.parametrize(
    "address",
    [
        "http://", "http://:3128", "//a", "http://a..b:9", "a" * 70, "socks://user:secret@a:1",
        "http://user:secret/1@a:1", "http://user:secret@a:99999",
    ],
)  # fmt: skip
def test_a_malformed_address_is_named_by_its_variable(address: str) -> None:
    client = httpx.Client(transport=ProxiedTransport({"https": address}, "b.example"))
    with pytest.raises(DownloadError, match="HTTPS_PROXY is not the address") as caught:
        client.get("https://a.example/")
    assert "secret" not in str(caught.value)


def test_a_proxy_that_is_not_used_may_be_anything(server: Loopback) -> None:
    server.files["/file"] = b"direct"
    for proxies, no_proxy in (({"all": "socks://x"}, "*"), ({"https": "?"}, "")):
        with httpx.Client(transport=ProxiedTransport(proxies, no_proxy)) as client:
            assert client.get(f"{server.address}/file").content == b"direct"


def test_no_proxy_decides_which_way_a_request_takes(server: Loopback) -> None:
    server.files["/file"] = b"direct"
    proxies = {"all": "127.0.0.1:9"}  # where nothing listens
    for no_proxy in ("127.0.0.0/8", "fd00::/8"):
        with httpx.Client(transport=ProxiedTransport(proxies, no_proxy)) as client:
            if no_proxy == "fd00::/8":
                with pytest.raises(httpx.ProxyError, match="no connection to the proxy 127"):
                    client.get(f"{server.address}/file")
            else:
                assert client.get(f"{server.address}/file").content == b"direct"
