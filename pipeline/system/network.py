"""What programs that use the network print when they cannot reach a host.

Whether git, go or gh asked for it: that is one kind of failure, with one exit code.
"""

from __future__ import annotations

import re

from pipeline.system.errors import DownloadError
from pipeline.system.process import ProcessResult, error_tail

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


def unreachable(command: str, done: ProcessResult) -> DownloadError | None:
    """The error of a program that failed since it cannot reach a host; ``None`` for other ends."""
    found = _UNREACHABLE.search(done.stderr)
    if not done.code or found is None:
        return None
    return DownloadError(
        f"{command} cannot reach {found['host']}: {error_tail(done)}",
        hint="Check the address, the network and the proxy's settings.",
    )
