"""Release notes: what a tag holds, what is new on its line, and for whom it is."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from pipeline.config.model import FREE_THREADED, LOCAL
from pipeline.publish.release_notes import ReleaseSite, release_notes, site_of
from pipeline.publish.tag_facts import ComponentFacts, PlatformFacts, TagFacts

MODULE = "github.com/goempy/goempy"
SITE = ReleaseSite("https://github.com", "goempy/goempy")


def software(**versions: str) -> tuple[ComponentFacts, ...]:
    """Components by name; several versions are separated by spaces."""
    return tuple(
        ComponentFacts(name, version, f"pkg:generic/{name}")
        for name, text in versions.items()
        for version in text.split() or [""]
    )


NOW = TagFacts(
    "v0.2.0",
    MODULE,
    "3.14.9",
    "",
    "20261021",
    date(2030, 10, 31),
    (PlatformFacts("linux-amd64", "", 12_300_000), PlatformFacts("windows-amd64", "", 9_000_000)),
    software(openssl="3.5.4", sqlite="3.50.4", zlib="1.3.1"),
    93_100_000,
)
BEFORE = dataclasses.replace(
    NOW,
    tag="v0.1.0",
    python="3.14.7",
    pbs="20260814",
    platforms=(PlatformFacts("linux-amd64", "", 12_000_000), PlatformFacts("darwin-386", "", 1)),
    components=software(openssl="3.5.3", sqlite="3.50.4", zlib="1.3.1"),
    module_bytes=93_200_000,
)


def test_the_notes_of_a_primary_line() -> None:
    assert (
        release_notes(NOW, BEFORE, SITE)
        == """\
# v0.2.0: Python 3.14.9 (python-build-standalone 20261021)

    go get github.com/goempy/goempy@v0.2.0

| platform | adds to a Go binary | since v0.1.0 |
|---|--:|--:|
| linux-amd64 | 12.3 MB | +2.5 % |
| windows-amd64 | 9.0 MB | new |

Since v0.1.0:

- Python 3.14.7 → 3.14.9
- python-build-standalone 20260814 → 20261021
- OpenSSL 3.5.3 → 3.5.4
- SQLite 3.50.4, unchanged
- darwin-386 is no longer included
- `go get` fetches 93.2 MB → 93.1 MB (-0.1 %)

CPython fixes Python 3.14 until October 2030.

![Sizes by step, kind of file and package](https://github.com/goempy/goempy/releases/download/v0.2.0/sizes.svg)

To verify this release, rebuild it from its sources, and check who built its files:

    goempy verify v0.2.0
    gh release download v0.2.0 --repo goempy/goempy --pattern SHA256SUMS
    gh attestation verify SHA256SUMS --repo goempy/goempy
"""
    )


def test_the_first_release_of_a_line() -> None:
    text = release_notes(NOW, None, SITE)
    assert "The first release of Python 3.14 here; `go get` fetches 93.1 MB.\n" in text
    assert "| linux-amd64 | 12.3 MB |\n" in text
    assert "Since" not in text
    assert "since" not in text


def test_other_lines_are_warned_of_go_get_u() -> None:
    other = dataclasses.replace(
        NOW, tag="v0.2.0-py3.13.17t", python="3.13.17", variant=FREE_THREADED
    )
    text = release_notes(other, None, SITE)
    assert text.startswith("# v0.2.0-py3.13.17t: Python 3.13.17t (python-build-standalone")
    assert "> [!WARNING]\n> `go get -u` leaves Python 3.13t:" in text
    assert "[!WARNING]" not in release_notes(NOW, None, SITE)


def test_nothing_changed() -> None:
    text = release_notes(NOW, dataclasses.replace(NOW, tag="v0.1.9"), SITE)
    assert "- Python 3.14.9, unchanged\n" in text
    assert "| linux-amd64 | 12.3 MB | unchanged |\n" in text
    assert "- `go get` fetches 93.1 MB → 93.1 MB (unchanged)\n" in text


@pytest.mark.parametrize(
    ("before", "now", "rows"),
    [
        ({"zlib": "1.3"}, {"zlib": "1.3.1"}, ["- zlib 1.3 → 1.3.1"]),
        ({"zlib": "1.3"}, {"zlib": "1.3"}, []),
        # Windows builds have other libraries.
        ({"openssl": "3.0.18 3.5.3"}, {"openssl": "3.0.18 3.5.4"},
         ["- OpenSSL 3.0.18, 3.5.3 → 3.0.18, 3.5.4"]),
        ({"zlib": "1"}, {"zlib": "1", "pip": "26.1"}, ["- pip 26.1 is new"]),
        ({"zlib": "1", "bdb": ""}, {"zlib": "1"}, ["- bdb is gone"]),
        # Both versions must be known.
        ({"zlib": ""}, {"zlib": "1.3"}, []),
        ({"openssl": "3.5.4"}, {"openssl": ""}, []),
        # An archive that lists nothing.
        ({}, {"zlib": "1.3"}, []),
        ({"zlib": "1.3"}, {}, []),
        ({"a": "1", "sqlite": "1", "openssl": "1"}, {"a": "2", "sqlite": "2", "openssl": "2"},
         ["- OpenSSL 1 → 2", "- SQLite 1 → 2", "- a 1 → 2"]),
    ],
)  # fmt: skip
def test_what_is_said_of_software(
    before: dict[str, str], now: dict[str, str], rows: list[str]
) -> None:
    text = release_notes(
        dataclasses.replace(NOW, components=software(**now)),
        dataclasses.replace(BEFORE, components=software(**before)),
        SITE,
    )
    block = text[text.index("- python-build") : text.index("- darwin-386")]
    assert block.splitlines()[1:] == rows


def test_interpreters_of_a_machine() -> None:
    local = dataclasses.replace(NOW, pbs=LOCAL)
    title = release_notes(local, None, SITE).splitlines()[0]
    assert title == "# v0.2.0: Python 3.14.9 (a local interpreter)"


def test_another_github() -> None:
    site = ReleaseSite("https://git.corp.example:8443", "team/py")
    text = release_notes(NOW, None, site)
    assert "https://git.corp.example:8443/team/py/releases/download/v0.2.0/sizes.svg" in text
    assert "--repo git.corp.example:8443/team/py\n" in text
    assert site_of("github.com/me/goempy/v2") == ReleaseSite("https://github.com", "me/goempy")
