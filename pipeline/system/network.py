"""Proxies, certificates, and why a host cannot be reached: by exceptions and programs' output.

Whether httpx, git, go or gh asked for it: that is one kind of failure, with one exit code.
"""

from __future__ import annotations

import re
import ssl
from urllib.parse import urlsplit

from pipeline.system.errors import DownloadError
from pipeline.system.process import ProcessResult, error_tail

PROXY_HINT = (
    "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name the proxy, with user and password if it asks for "
    "them; NO_PROXY names the servers that are reached without it."
)
CERTIFICATE_HINT = (
    "Check the address, and this machine's clock. SSL_CERT_FILE or SSL_CERT_DIR names the "
    "certificates to trust instead: all that are needed, with that of a proxy that opens "
    "connections."
)
_TLS_HINT = (
    "Check that the server and the proxy speak TLS at these addresses (https://), and "
    "SSL_CERT_FILE and SSL_CERT_DIR."
)
_PROXY_SCHEMES = frozenset({"http", "https", "socks5", "socks5h"})
_BROKEN = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)

_UNREACHABLE = re.compile(
    r"""(?x: # no address for a name, then no connection to an address
    Could\ not\ resolve\ (?:host|hostname|proxy):?\  # curl, in git; ssh
    | [Uu]nable\ to\ look\ up\                       # git
    | dial\ (?:tcp|udp):\ lookup\                    # Go: go and gh
    | Failed\ to\ connect\ to\                       # curl
    | ssh:\ connect\ to\ host\                       # ssh
    | unable\ to\ connect\ to\                       # git
    | error\ connecting\ to\                         # gh
    | dial\ tcp\ (?=\S+:\d+:\ )                      # Go
    )(?P<host>\[[^\]\s]+\]|[^\s:,'"]+)"""
)


def parse_proxy(variable: str, address: str) -> str:
    """A proxy's address, with its scheme; raises ``DownloadError`` naming ``variable``.

    The address is in no message: there may be a password in it.
    """
    address = address.strip()
    address = address if "://" in address else f"http://{address}"
    if not _is_proxy(address):
        raise DownloadError(
            f"{variable} is not the address of a proxy",
            hint="Write http://user:password@host:port, with /, ?, # and @ in the password as "
            f"%2F, %3F, %23 and %40; the scheme is one of {', '.join(sorted(_PROXY_SCHEMES))}.",
        )
    return address


def _is_proxy(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
        host.encode("idna")  # or else the look-up of the name raises UnicodeError
    except ValueError:
        return False
    return parts.scheme in _PROXY_SCHEMES and host != "" and port != 0


def unusable_certificates(fault: OSError) -> DownloadError:
    """The error for certificates that cannot be read."""
    return DownloadError(
        f"the certificates to trust cannot be read: {fault}",
        hint="Check SSL_CERT_FILE and SSL_CERT_DIR.",
    )


def lasting_tls_hint(fault: BaseException) -> str:
    """What to do about a failure of TLS that no repetition helps against; ``""`` for others."""
    if is_caused_by(fault, ssl.SSLCertVerificationError):
        return CERTIFICATE_HINT
    if is_caused_by(fault, ssl.SSLError) and not is_caused_by(fault, _BROKEN):
        return _TLS_HINT
    return ""


def is_caused_by(
    fault: BaseException, kind: type[BaseException] | tuple[type[BaseException], ...]
) -> bool:
    """Whether an exception is of a kind or wraps one, as a cause or as an argument."""
    wrapped = (fault.__cause__, fault.__context__, *fault.args)
    # The same exception is often all of these.
    inner = {id(each): each for each in wrapped if isinstance(each, BaseException)}
    return isinstance(fault, kind) or any(is_caused_by(each, kind) for each in inner.values())


def unreachable(command: str, done: ProcessResult) -> DownloadError | None:
    """The error of a program that failed since it cannot reach a host; ``None`` for other ends."""
    found = _UNREACHABLE.search(done.stderr)
    if not done.code or found is None:
        return None
    return DownloadError(
        f"{command} cannot reach {found['host']}: {error_tail(done)}",
        hint="Check the address, the network and the proxy's settings.",
    )
