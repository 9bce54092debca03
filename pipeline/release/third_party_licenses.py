"""``THIRD_PARTY_LICENSES``: what software the payloads of a tag hold, and every licence text once.

The file depends on the payloads alone. It names neither the module nor its VERSION, so a release
of the same payloads has the same file, and git stores it once.
"""

from __future__ import annotations

import re
import textwrap
from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pipeline.build.components import CPYTHON
from pipeline.config.model import LOCAL
from pipeline.formats.payload.manifest import is_file
from pipeline.formats.payload.model import Component, Entry, Manifest
from pipeline.formats.payload.reader import Payload, contents_of
from pipeline.system.errors import PayloadError

FILE_NAME = "THIRD_PARTY_LICENSES"
PUBLIC_DOMAIN = "public domain"
_CPYTHON_LICENSES = ("Python-2.0",)
"""Of every CPython. Source: SPDX License List."""
_CPYTHON_TEXT = re.compile(r"(lib\w*/python3\.\d+t?/)?LICENSE\.txt")
"""Where ``make install`` of CPython puts its licence; beside python.exe on Windows."""
_WIDTH = 78
_HEAD = """\
Third-party software in this module

Its payloads hold the software below: interpreters, the libraries that are
linked with them, and the wheels that package pip installs with. Each licence
text follows once; its name is that of a file in the payload's tree. For the
module's own code see LICENSE.
"""
_SILENT = """\
Without licence texts

What these payloads are made of tells neither the libraries that are linked
with the interpreter nor their licences. The full archives of
python-build-standalone do.
"""


@dataclass(frozen=True, slots=True)
class NoticeSource:
    """A payload of a tag, by the name of its platform; ``""`` is that of package ``pip``."""

    platform: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class _Item:
    """One component as the index lists it; ``texts`` are the numbers of its texts."""

    title: str
    licenses: str
    texts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Text:
    """A licence text and the files of the payloads that hold it."""

    names: set[str]
    text: str


def declared_components(manifest: Manifest) -> tuple[Component, ...]:
    """What a payload contains, as far as it is known.

    An interpreter is CPython whether its manifest says so or not; if it lists no components, the
    text is the one that CPython itself installs, if the tree has it.
    """
    declared, origin = manifest.about.components, manifest.origin
    if declared or origin is None:
        return declared
    texts = [e.name for e in manifest.entries if is_file(e) and _CPYTHON_TEXT.fullmatch(e.name)]
    return (Component(CPYTHON, origin.version, _CPYTHON_LICENSES, tuple(sorted(texts))),)


def license_faults(manifest: Manifest) -> Iterator[str]:
    """Why a payload should not be published: software in it without its licence text."""
    if not manifest.about.components:
        yield f"{_made_of(manifest)} lists neither its libraries nor their licences"
    for component in manifest.about.components:
        if not component.texts:
            yield f"{_title(component)} has no licence text"


def _made_of(manifest: Manifest) -> str:
    origin = manifest.origin
    if origin is None:
        return "a payload of unknown origin"
    if origin.pbs == LOCAL:
        return f"an interpreter of the machine that built it ({origin.asset or origin.version})"
    return origin.asset or f"CPython {origin.version} of {origin.pbs} for {origin.triple}"


def third_party_licenses(sources: Sequence[NoticeSource]) -> bytes:
    """The text of the file; raises ``PayloadError`` for texts that a payload names and lacks.

    Contents are read one at a time; only licence texts are kept.
    """
    texts = _Texts(sources)
    places: dict[_Item, list[str]] = {}
    for source in sources:
        for item in _items(source, texts):
            places.setdefault(item, []).append(source.platform)
    index = "\n".join(
        _stanza(item, platforms) for item, platforms in sorted(places.items(), key=_order)
    )
    parts = [_HEAD, index, *_silent(sources), *texts.written()]
    return "\n".join(part for part in parts if part).encode()


def _items(source: NoticeSource, texts: _Texts) -> Iterator[_Item]:
    for component in declared_components(source.payload.manifest):
        numbers = tuple(texts.number(source, name) for name in component.texts)
        unknown = "not told; see its text" if not source.platform else PUBLIC_DOMAIN
        yield _Item(_title(component), ", ".join(component.licenses) or unknown, numbers)


def _order(row: tuple[_Item, list[str]]) -> tuple[bool, bool, str, str, tuple[int, ...]]:
    """CPython, then its libraries, then what package ``pip`` holds."""
    item, platforms = row
    is_cpython = item.title.split(" ", 1)[0] == CPYTHON
    return ("" in platforms, not is_cpython, item.title.casefold(), item.licenses, item.texts)


def _title(component: Component) -> str:
    return f"{component.name} {component.version}".rstrip()


def _stanza(item: _Item, platforms: Sequence[str]) -> str:
    names = ", ".join(name or "all (package pip)" for name in platforms)
    numbers = " ".join(f"[{number}]" for number in sorted(set(item.texts))) or "none"
    rows = (("Licence:  ", item.licenses), ("Platforms:", names), ("Text:     ", numbers))
    return f"{item.title}\n" + "".join(_filled(f"  {label} ", text) for label, text in rows)


def _filled(label: str, text: str) -> str:
    """A row that goes on below its beginning; names are not broken."""
    rows = textwrap.wrap(text, _WIDTH - len(label), break_long_words=False, break_on_hyphens=False)
    return label + f"\n{' ' * len(label)}".join(rows) + "\n"


def _silent(sources: Sequence[NoticeSource]) -> Iterator[str]:
    """The payloads that list no components, and what they are made of."""
    silent = [each for each in sources if not each.payload.manifest.about.components]
    if silent:
        rows = (
            f"  {each.platform or 'pip'}: {_made_of(each.payload.manifest)}\n" for each in silent
        )
        yield _rule("=") + _SILENT + "\n" + "".join(rows)


def _rule(character: str) -> str:
    return character * _WIDTH + "\n"


class _Texts:
    """The licence texts of all payloads, numbered in the order in which they are asked for.

    Texts that differ in their line ends alone are one.
    """

    def __init__(self, sources: Sequence[NoticeSource]) -> None:
        self._by_digest: dict[str, str] = {}
        self._numbers: dict[str, int] = {}
        self._texts: list[_Text] = []
        self._entries: dict[str, Mapping[str, Entry]] = {}
        for source in sources:
            manifest = source.payload.manifest
            files = {e.name: e for e in manifest.entries if is_file(e)}
            names = {name for each in declared_components(manifest) for name in each.texts}
            if missing := sorted(names - files.keys()):
                raise PayloadError(
                    f"{source.payload.folder} lacks licence texts that its manifest names",
                    details=missing,
                    hint="Build the cell again.",
                )
            self._entries[source.platform] = {name: files[name] for name in names}
            wanted = {files[name].sha256 for name in names} - self._by_digest.keys()
            self._by_digest.update(_read(source.payload, wanted))

    def number(self, source: NoticeSource, name: str) -> int:
        """The number of a text, by its name in the payload of ``source``."""
        text = self._by_digest[self._entries[source.platform][name].sha256]
        number = self._numbers.setdefault(text, len(self._texts) + 1)
        if number > len(self._texts):
            self._texts.append(_Text(set(), text))
        self._texts[number - 1].names.add(name)
        return number

    def written(self) -> Iterator[str]:
        """Each text below its number and names."""
        for number, each in enumerate(self._texts, 1):
            head = f"[{number}] "
            names = f"\n{' ' * len(head)}".join(sorted(each.names))
            yield _rule("=") + head + names + "\n" + _rule("-") + "\n" + each.text


def _read(payload: Payload, wanted: Collection[str]) -> Iterator[tuple[str, str]]:
    """The texts whose contents have these sha256."""
    manifest = payload.manifest
    if not manifest.stream:
        # Only a stream has to be read from its beginning.
        entries = tuple(entry for entry in manifest.entries if entry.sha256 in wanted)
        payload = replace(payload, manifest=replace(manifest, entries=entries))
    for entry, chunks in contents_of(payload) if wanted else ():
        if entry.sha256 in wanted:
            yield entry.sha256, _as_text(b"".join(chunks))
        else:
            deque(chunks, maxlen=0)


def _as_text(data: bytes) -> str:
    """One form for all: LF, one line end at the end. Licences are UTF-8 or older than that."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return "\n".join(text.replace("\r\n", "\n").split("\r")).strip("\n") + "\n"
