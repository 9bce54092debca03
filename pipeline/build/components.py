"""What software a payload contains, by name, version and licence. Pure: bytes in, values out.

PYTHON.json of a full archive tells the licences of CPython and, for each extension module, of the
libraries that it is linked with (python-build-standalone, "Distribution Archives"). It names no
versions, and some libraries too many; the binaries themselves settle that (``signatures``).
"""

from __future__ import annotations

import json
import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline.formats.payload.model import LICENSES, Component
from pipeline.system.errors import ArchiveError

CPYTHON = "cpython"
_TEXT_NAME = re.compile(r"LICENSE\.(?P<name>.+?)\.txt")
_INSTALL = "install/"

_ALTERNATIVES: Mapping[str, tuple[str, ...]] = {
    "LICENSE.openssl-1.1.txt": ("OpenSSL",),
    "LICENSE.openssl-3.txt": ("Apache-2.0",),
    "LICENSE.zlib.txt": ("Zlib",),
    "LICENSE.zlib-ng.txt": ("Zlib",),
}
"""Texts that PYTHON.json names together though one of them applies: it goes by the names of
libraries, and several downloads have ``crypto`` or ``z`` (PBS's ``pythonbuild/downloads.py``)."""
_UNTOLD: Mapping[str, tuple[tuple[str, ...], str]] = {
    "expat": (("MIT",), "LICENSE.expat.txt"),
    "openssl": (("Apache-2.0",), "LICENSE.openssl-3.txt"),
    "zlib": (("Zlib",), "LICENSE.zlib.txt"),
    "zlib-ng": (("Zlib",), "LICENSE.zlib-ng.txt"),
}
"""What PYTHON.json may leave out, such as the zlib inside of ``python314.dll``: SPDX ids and text.
None of these names stands in a binary that does not contain the library."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension module of PYTHON.json and what it is linked with."""

    file: str
    """Where it is in the tree; ``""`` for one that is built into the interpreter."""
    of_system: bool
    """Whether the libraries that it is linked with are all the system's, and do not ship."""
    licenses: tuple[str, ...]
    texts: tuple[str, ...]
    """File names below the archive's ``licenses/``."""


@dataclass(frozen=True, slots=True)
class BuildInfo:
    """The part of PYTHON.json that licences depend on."""

    version: str
    triple: str
    licenses: tuple[str, ...]
    text: str
    extensions: tuple[Extension, ...]


def parse_build_info(data: bytes, *, where: str) -> BuildInfo:
    """Read PYTHON.json; raises ``ArchiveError``. ``where`` names the archive."""
    try:
        fields = json.loads(data)
        extensions = fields["build_info"]["extensions"]
        return BuildInfo(
            _text(fields["python_version"]),
            _text(fields["target_triple"]),
            _licenses(fields),
            _base(fields["license_path"]),
            tuple(_extension(each) for several in extensions.values() for each in several),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as fault:
        raise ArchiveError(
            f"{where}: PYTHON.json does not tell the licences: {fault!r}",
            hint="Its format is newer than this goempy, or it is not an archive of "
            "python-build-standalone.",
        ) from fault


def _extension(fields: Mapping[str, Any]) -> Extension:
    shared = _text(fields.get("shared_lib") or "")
    paths = fields.get("license_paths") or fields.get("license_path") or ()
    return Extension(
        "" if fields.get("in_core") else shared.removeprefix(_INSTALL),
        _is_of_system(fields.get("links") or ()),
        _licenses(fields),
        tuple(map(_base, [paths] if isinstance(paths, str) else paths)),
    )


def _is_of_system(links: Sequence[Mapping[str, Any]]) -> bool:
    return bool(links) and not any("path_static" in e or "path_dynamic" in e for e in links)


def _licenses(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = fields.get("licenses") or []
    if not isinstance(found, list):
        # A text is a sequence too, of letters.
        raise TypeError(f"{found!r} is no list")
    return tuple(map(_text, found))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _base(path: object) -> str:
    return posixpath.basename(_text(path))


def plan_components(info: BuildInfo, dropped: Collection[str]) -> tuple[Component, ...]:
    """What a tree without the files ``dropped`` may contain, as far as PYTHON.json tells.

    CPython comes first, the libraries follow by name. ``settle_components`` decides between
    alternatives when the binaries were seen.
    """
    linked = [e for e in info.extensions if e.file not in dropped and not e.of_system]
    named = {name for each in linked for name in each.texts}
    ids = _licenses_by_text(info.extensions)
    libraries = [
        Component(component_name(text), "", ids[text], (f"{LICENSES}/{text}",)) for text in named
    ]
    whole = Component(CPYTHON, info.version, info.licenses, (f"{LICENSES}/{info.text}",))
    return (whole, *sorted(libraries, key=lambda each: (each.name, each.texts)))


def possible_texts(components: Sequence[Component]) -> tuple[str, ...]:
    """The names of all texts that may be asked for once the components are settled."""
    told = {name for each in components for name in each.texts}
    return tuple(sorted(told | {f"{LICENSES}/{text}" for _ids, text in _UNTOLD.values()}))


def settle_components(
    components: Sequence[Component], found: Mapping[str, str], texts: Collection[str]
) -> tuple[Component, ...]:
    """What the tree contains: ``found`` are versions by name, as the binaries tell them.

    Of a library that PYTHON.json names in two versions, that of the binaries stays; of zlib and
    zlib-ng, the one that is there. A component keeps those of its licence texts that are among
    ``texts``, perhaps none.
    """
    known = {each.name for each in components}
    added = [
        Component(name, "", ids, (f"{LICENSES}/{text}",))
        for name, (ids, text) in _UNTOLD.items()
        if name in found and name not in known
    ]
    if {"zlib", "zlib-ng"} <= known:
        known.discard("zlib" if "zlib-ng" in found else "zlib-ng")
    settled = [
        replace(
            each,
            version=each.version or found.get(each.name, ""),
            texts=tuple(name for name in each.texts if name in texts),
        )
        for each in [*components, *added]
        if (each in added or each.name in known) and _is_of_version(each, found)
    ]
    return (*settled[:1], *sorted(settled[1:], key=lambda each: each.name))


def _is_of_version(component: Component, found: Mapping[str, str]) -> bool:
    """Whether a text such as ``LICENSE.openssl-3.txt`` is of the version that was found."""
    version = found.get(component.name, "")
    suffix = re.fullmatch(r".*-(\d+(?:\.\d+)*)\.txt", component.texts[0]) if version else None
    return suffix is None or f"{version}.".startswith(f"{suffix[1]}.")


def component_name(text: str) -> str:
    """``openssl`` for ``LICENSE.openssl-3.txt``: a number behind is PBS's, not the library's."""
    match = _TEXT_NAME.fullmatch(text)
    return re.sub(r"-\d+(\.\d+)*$", "", match["name"]) if match else text


def _licenses_by_text(extensions: Sequence[Extension]) -> Mapping[str, tuple[str, ...]]:
    """The SPDX ids of each text. An extension tells those of all its libraries together.

    So the ids of a library come from an extension that has no other, where there is one; else
    from all that has it, without those that are known to be of its neighbours.
    """
    ids: defaultdict[str, set[str]] = defaultdict(set)
    ids.update({text: set(found) for text, found in _ALTERNATIVES.items()})
    for each in extensions:
        if len(each.texts) == 1:
            ids[each.texts[0]].update(each.licenses)
    alone = {text: frozenset(found) for text, found in ids.items()}
    for each in extensions:
        known = set[str]().union(*(alone.get(text, frozenset()) for text in each.texts))
        unknown = [text for text in each.texts if text not in alone]
        for text in unknown:
            ids[text].update(set(each.licenses) - known or each.licenses)
    return {text: tuple(sorted(found)) for text, found in ids.items()}
