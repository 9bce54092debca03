"""Why a host cannot be reached, from the exceptions of libraries and the output of programs.

Whether httpx, git, go or gh asked for it: that is one kind of failure, with one exit code.
"""

from __future__ import annotations

import re
import ssl

from pipeline.system.errors import DownloadError
from pipeline.system.process import ProcessResult, error_tail

PROXY_HINT = (
    "HTTPS_PROXY, HTTP_PROXY and ALL_PROXY name the proxy, with user and password if it asks for "
    "them; NO_PROXY names the servers that are reached without it."
)
CERTIFICATE_HINT = (
    "SSL_CERT_FILE or SSL_CERT_DIR names the certificates to trust instead: all that are needed, "
    "with that of a proxy that opens connections."
)

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


def is_untrusted(fault: BaseException) -> bool:
    """Whether a connection failed because the server's certificate is not trusted."""
    return is_caused_by(fault, ssl.SSLCertVerificationError)


def is_caused_by(fault: BaseException, kind: type[BaseException]) -> bool:
    """Whether an exception is of a kind or wraps one, as a cause or as an argument."""
    wrapped = (fault.__cause__, fault.__context__, *fault.args)
    return isinstance(fault, kind) or any(
        is_caused_by(each, kind) for each in wrapped if isinstance(each, BaseException)
    )


def unreachable(command: str, done: ProcessResult) -> DownloadError | None:
    """The error of a program that failed since it cannot reach a host; ``None`` for other ends."""
    found = _UNREACHABLE.search(done.stderr)
    if not done.code or found is None:
        return None
    return DownloadError(
        f"{command} cannot reach {found['host']}: {error_tail(done)}",
        hint="Check the address, the network and the proxy's settings.",
    )
