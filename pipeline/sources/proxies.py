"""Connections through the machine's proxies, with NO_PROXY as curl and Go read it.

httpx takes IPv6 addresses in brackets and ranges of addresses for addresses of servers.

Sources: curl(1), "NO_PROXY"; golang.org/x/net/http/httpproxy, Config.NoProxy.
"""

from __future__ import annotations

import functools
import ipaddress
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from pipeline.system.errors import DownloadError
from pipeline.system.network import is_caused_by


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry of NO_PROXY: a network, or a name with what is below it; perhaps one port."""

    name: str
    network: ipaddress.IPv4Network | ipaddress.IPv6Network | None
    port: int | None

    def matches(self, host: str, port: int) -> bool:
        if self.port not in {None, port}:
            return False
        if self.network is None:
            return f".{host}".endswith(f".{self.name}")
        address = _address(host)
        return address is not None and address in self.network


class ProxiedTransport(httpx.BaseTransport):
    """Sends a request through the proxy of its scheme, or directly.

    ``proxies`` are addresses by ``http``, ``https`` and ``all``; ``no_proxy`` is NO_PROXY's text.
    Raises ``DownloadError`` for a proxy that is none and, at the first request that needs them,
    for certificates that cannot be read. What a proxy fails to do is an ``httpx.ProxyError``.
    """

    def __init__(self, proxies: Mapping[str, str], no_proxy: str) -> None:
        self._no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it trusts nobody
        try:
            self._proxies = {
                scheme: _proxy(address)
                for scheme, address in proxies.items()
                if scheme in {"http", "https", "all"} and address
            }
            self._transports: dict[tuple[httpx.Proxy | None, bool], httpx.HTTPTransport] = {
                (each, False): httpx.HTTPTransport(verify=self._no_tls, proxy=each)
                for each in self._proxies.values()
            }
        except (ValueError, ImportError, httpx.InvalidURL) as fault:
            raise _cannot_connect(fault) from fault
        self._no_proxy = no_proxy

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        url = request.url
        proxy = self._proxies.get(url.scheme) or self._proxies.get("all")
        host = url.raw_host.decode("ascii")  # as it is looked up: a name with umlauts is xn--...
        if proxy and goes_directly(self._no_proxy, host, url.port or _port(url)):
            proxy = None
        secure = url.scheme == "https" or (proxy is not None and proxy.url.scheme != "http")
        key = (proxy, secure)
        transport = self._transports.get(key)
        if transport is None:
            context = self._certificates if secure else self._no_tls
            made = httpx.HTTPTransport(verify=context, proxy=proxy)
            transport = self._transports.setdefault(key, made)  # another thread may be faster
        if proxy is None:
            return transport.handle_request(request)
        return _handle_by_proxy(transport, proxy, request)

    @functools.cached_property
    def _certificates(self) -> ssl.SSLContext:
        """Read when needed: it takes as long as a small command does."""
        try:
            return httpx.create_ssl_context()
        except OSError as fault:
            raise _cannot_connect(fault) from fault

    def close(self) -> None:
        """Close all connections."""
        for each in self._transports.values():
            each.close()


def _handle_by_proxy(
    transport: httpx.HTTPTransport, proxy: httpx.Proxy, request: httpx.Request
) -> httpx.Response:
    """Send a request; name the proxy where it is what failed."""
    try:
        response = transport.handle_request(request)
    except httpx.ConnectError as fault:
        if is_caused_by(fault, ssl.SSLError):
            raise  # there was a connection, and the other end of it may be the server
        place = f"{proxy.url.host}:{proxy.url.port or _port(proxy.url)}"
        raise httpx.ProxyError(f"no connection to the proxy {place}: {fault}") from fault
    if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        response.close()
        # In the words of the error for a connection through a proxy (CONNECT).
        raise httpx.ProxyError(f"{response.status_code} {response.reason_phrase}")
    return response


def _cannot_connect(fault: Exception) -> DownloadError:
    return DownloadError(
        f"cannot set up connections: {fault}",
        hint="Check HTTP_PROXY, HTTPS_PROXY, ALL_PROXY, SSL_CERT_FILE and SSL_CERT_DIR.",
    )


def goes_directly(no_proxy: str, host: str, port: int) -> bool:
    """Whether an entry of NO_PROXY, separated by commas or spaces, names the server.

    Entries are ``*``, names, which stand for all names below them, addresses, and ranges such as
    ``10.0.0.0/8`` and ``fd00::/8``; names and addresses may have a port, IPv6 ones brackets.
    """
    entries = no_proxy.replace(",", " ").split()
    host = host.lower().rstrip(".")
    return "*" in entries or any(_parse(each).matches(host, port) for each in entries)


def _parse(text: str) -> _Entry:
    name, port = text.lower(), None
    head, colon, tail = name.rpartition(":")
    is_port = tail.isdecimal() and len(tail) <= len("65535")
    if colon and is_port and (":" not in head or head.endswith("]")):
        name, port = head, int(tail)
    name = name.removeprefix("[").removesuffix("]")
    try:
        return _Entry(name, ipaddress.ip_network(name, strict=False), port)
    except ValueError:
        return _Entry(_ascii(name.removeprefix("*").strip(".")), None, port)


def _ascii(name: str) -> str:
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name  # it matches nothing


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _proxy(address: str) -> httpx.Proxy:
    proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    if not proxy.url.host:
        raise ValueError("a proxy without a host")
    proxy.url.host.encode("idna")  # or else the look-up of the name raises UnicodeError
    return proxy


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80
