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
from socksio.exceptions import SOCKSError

from pipeline.system.network import is_caused_by, parse_proxy, unusable_certificates


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
    Proxies and certificates are looked at when a request needs them: a request raises
    ``DownloadError`` if they are unusable. Other failures by way of a proxy name it.
    """

    def __init__(self, proxies: Mapping[str, str], no_proxy: str) -> None:
        self._no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it has no certificates to trust
        self._proxies = {scheme: address for scheme, address in proxies.items() if address}
        self._transports: dict[tuple[httpx.URL | None, bool], httpx.HTTPTransport] = {}
        self._no_proxy = no_proxy

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it."""
        proxy = self._proxy(request.url)
        secure = request.url.scheme == "https" or (proxy is not None and proxy.url.scheme != "http")
        transport = self._transport(proxy, secure=secure)
        if proxy is None:
            return transport.handle_request(request)
        return _handle_by_proxy(transport, proxy, request)

    def _proxy(self, url: httpx.URL) -> httpx.Proxy | None:
        scheme = url.scheme if url.scheme in self._proxies else "all"
        address = self._proxies.get(scheme, "")
        host = url.raw_host.decode("ascii")  # as it is looked up: a name with umlauts is xn--...
        if not address or goes_directly(self._no_proxy, host, url.port or _port(url)):
            return None
        return httpx.Proxy(parse_proxy(f"{scheme.upper()}_PROXY", address))

    def _transport(self, proxy: httpx.Proxy | None, *, secure: bool) -> httpx.HTTPTransport:
        key = (proxy.url if proxy else None, secure)
        transport = self._transports.get(key)
        if transport is None:
            context = self._certificates if secure else self._no_tls
            made = httpx.HTTPTransport(verify=context, proxy=proxy)
            transport = self._transports.setdefault(key, made)  # another thread may be faster
        return transport

    @functools.cached_property
    def _certificates(self) -> ssl.SSLContext:
        """Read when needed: it takes as long as a small command does."""
        try:
            return httpx.create_ssl_context()
        except OSError as fault:
            raise unusable_certificates(fault) from fault

    def close(self) -> None:
        """Close all connections."""
        for each in self._transports.values():
            each.close()


def _handle_by_proxy(
    transport: httpx.HTTPTransport, proxy: httpx.Proxy, request: httpx.Request
) -> httpx.Response:
    """Send a request; what fails names the proxy."""
    place = f"the proxy {proxy.url.netloc.decode('ascii')}"
    try:
        response = transport.handle_request(request)
    except (httpx.ProxyError, SOCKSError) as fault:
        raise httpx.ProxyError(f"{place} answers: {fault}") from fault
    except httpx.TransportError as fault:
        is_tls = is_caused_by(fault, ssl.SSLError)
        if isinstance(fault, httpx.ConnectError | httpx.ConnectTimeout) and not is_tls:
            raise httpx.ProxyError(f"no connection to {place}: {fault}") from fault
        # Either end may be at fault.
        kind = type(fault)
        raise kind(f"{fault}, through {place}", request=request) from fault
    if response.status_code == httpx.codes.PROXY_AUTHENTICATION_REQUIRED:
        response.close()
        # In the words of the error for a connection through a proxy (CONNECT).
        raise httpx.ProxyError(f"{place} answers: {response.status_code} {response.reason_phrase}")
    return response


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
        return httpx.URL(scheme="http", host=name).raw_host.decode("ascii")
    except (httpx.InvalidURL, UnicodeError):
        return name  # it matches nothing


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80
