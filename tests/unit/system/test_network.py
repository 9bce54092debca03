"""What programs print of hosts that they cannot reach."""

from __future__ import annotations

import pytest

from pipeline.system.network import unreachable
from pipeline.system.process import ProcessResult

# As git 2.39, OpenSSH 9.2, go 1.24 and gh print it.
REACHED_NOT = {
    "fatal: unable to access 'https://a.invalid/': Could not resolve host: a.invalid": "a.invalid",
    "fatal: unable to access 'https://a.invalid/': Could not resolve proxy: p.invalid": "p.invalid",
    "ssh: Could not resolve hostname a.invalid: Name or service not known": "a.invalid",
    "fatal: unable to look up a.invalid (port 9418) (Name or service not known)": "a.invalid",
    "fatal: unable to access 'https://127.0.0.1:1/x/': Failed to connect to 127.0.0.1 port 1 after "
    "0 ms: Couldn't connect to server": "127.0.0.1",
    "ssh: connect to host 127.0.0.1 port 1: Connection refused": "127.0.0.1",
    "fatal: unable to connect to 127.0.0.1:\n127.0.0.1[0: 127.0.0.1]: errno=Refused": "127.0.0.1",
    'go: m@v1.0.0: Get "https://p.invalid/m/@v/v1.0.0.info": dial tcp: lookup p.invalid on '
    "10.0.0.53:53: no such host": "p.invalid",
    'go: a.example/b: unrecognized import path "a.example/b": https fetch: Get "https://a.example/b'
    '?go-get=1": proxyconnect tcp: dial tcp: lookup p.invalid: no such host': "p.invalid",
    'Get "https://127.0.0.1:1/x": dial tcp 127.0.0.1:1: connect: connection refused': "127.0.0.1",
    'Get "https://[::1]:1/x": dial tcp [::1]:1: connect: connection refused': "[::1]",
    "error connecting to a.invalid\ncheck your internet connection": "a.invalid",
}


@pytest.mark.parametrize(("text", "host"), REACHED_NOT.items())
def test_the_host_is_named(text: str, host: str) -> None:
    fault = unreachable("git fetch", ProcessResult(1, b"", text))
    assert fault is not None
    assert fault.what.startswith(f"git fetch cannot reach {host}: ")
    assert unreachable("git fetch", ProcessResult(0, b"", text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "fatal: repository 'https://a.example/x/' not found",
        "go: m@v1.0.0: module lookup disabled by GOPROXY=off",
        "go: m@v1.0.0: invalid version: unknown revision v1.0.0",
        "fatal: Authentication failed for 'https://a.example/x/'",
    ],
)
def test_other_failures_are_none_of_the_network(text: str) -> None:
    assert unreachable("go get", ProcessResult(1, b"", text)) is None
