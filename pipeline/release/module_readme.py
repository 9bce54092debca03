"""What the template's Markdown files say of one tag: its name, its Python, its platforms.

``$tag``, ``$python``, ``$platforms`` and ``$origin`` are replaced in them. All of it follows
from the payloads, so a tag that is rebuilt from another source of the same assets says the same.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence

from pipeline.config.model import LOCAL, Line, Platform
from pipeline.formats.payload.model import Manifest


def tag_words(
    tag: str, line: Line, platforms: Sequence[Platform], manifests: Sequence[Manifest]
) -> Mapping[str, str]:
    """The words for ``with_words``."""
    return {
        "tag": tag,
        "python": line.name,
        "platforms": ", ".join(_platform(each) for each in platforms),
        "origin": _origin(line, manifests),
    }


def with_words(text: str, words: Mapping[str, str]) -> str:
    """A template's text with the words of one tag."""
    return string.Template(text).substitute(words)


def _platform(platform: Platform) -> str:
    """As Go's users name it, and how they select it among those of the same name."""
    name = f"{platform.goos}/{platform.goarch}"
    if platform.libc:
        return f"{name} with `-tags {platform.libc}`"
    return f"{name} with `GOAMD64={platform.goamd64}`" if platform.goamd64 else name


def _origin(line: Line, manifests: Sequence[Manifest]) -> str:
    """What is known of the interpreters; without attestations, the PBS release that pins name."""
    if line.pbs == LOCAL:
        return "one of the machine that made this tag"
    origins = [each.origin for each in manifests]
    if all(origin and origin.attestation for origin in origins):
        return f"those of python-build-standalone {line.pbs}, as its attestations confirm"
    return (
        f"unpacked from archives of the names and SHA-256 that `matrix.lock` has for "
        f"python-build-standalone {line.pbs}"
    )
