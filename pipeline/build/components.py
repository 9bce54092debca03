"""The software in a payload, by name, version and licence.

PYTHON.json of a full archive has the licences of CPython and, for each extension module, of the
libraries that it is linked with (python-build-standalone, "Distribution Archives"). It names no
versions, and some libraries too many; the binaries settle that (``formats.library_versions``).
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
_UNDECLARED: Mapping[str, tuple[tuple[str, ...], str]] = {
    "expat": (("MIT",), "LICENSE.expat.txt"),
    "openssl": (("Apache-2.0",), "LICENSE.openssl-3.txt"),
    "zlib": (("Zlib",), "LICENSE.zlib.txt"),
    "zlib-ng": (("Zlib",), "LICENSE.zlib-ng.txt"),
}
"""What PYTHON.json may omit, such as the zlib in ``python314.dll``: SPDX ids and text. No binary
without the library matches its signature."""


@dataclass(frozen=True, slots=True)
class Extension:
    """An extension module of PYTHON.json and its libraries."""

    file: str
    """Where it is in the tree; ``""`` for one that is built into the interpreter."""
    system_only: bool
    """Whether all its libraries are the system's, which do not ship."""
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
            f"{where}: PYTHON.json has no licences in a known form: {fault!r}",
            hint="Its format is newer than this goempy, or it is not an archive of "
            "python-build-standalone.",
        ) from fault


def _extension(fields: Mapping[str, Any]) -> Extension:
    shared = _text(fields.get("shared_lib") or "")
    paths = fields.get("license_paths") or fields.get("license_path") or ()
    return Extension(
        "" if fields.get("in_core") else shared.removeprefix(_INSTALL),
        _has_system_libraries_only(fields.get("links") or ()),
        _licenses(fields),
        tuple(map(_base, [paths] if isinstance(paths, str) else paths)),
    )


def _has_system_libraries_only(links: Sequence[Mapping[str, Any]]) -> bool:
    return bool(links) and not any("path_static" in e or "path_dynamic" in e for e in links)


def _licenses(fields: Mapping[str, Any]) -> tuple[str, ...]:
    found = fields.get("licenses") or []
    if not isinstance(found, list):
        raise TypeError(f"{found!r} is not a list")
    return tuple(map(_text, found))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not a string")
    return value


def _base(path: object) -> str:
    return posixpath.basename(_text(path))


def plan_components(info: BuildInfo, dropped: Collection[str]) -> tuple[Component, ...]:
    """What a tree without the files ``dropped`` may contain, according to PYTHON.json.

    CPython comes first, the libraries follow by name. ``settle_components`` decides between
    alternatives once the binaries were seen.
    """
    linked = [e for e in info.extensions if e.file not in dropped and not e.system_only]
    named = {name for each in linked for name in each.texts}
    ids = _licenses_by_text(info.extensions)
    libraries = [
        Component(component_name(text), "", ids[text], (f"{LICENSES}/{text}",)) for text in named
    ]
    cpython = Component(CPYTHON, info.version, info.licenses, (f"{LICENSES}/{info.text}",))
    return (cpython, *sorted(libraries, key=lambda each: (each.name, each.texts)))


def possible_texts(components: Sequence[Component]) -> tuple[str, ...]:
    """The names of all texts that the settled components may have."""
    declared = {name for each in components for name in each.texts}
    return tuple(sorted(declared | {f"{LICENSES}/{text}" for _ids, text in _UNDECLARED.values()}))


def settle_components(
    components: Sequence[Component], found: Mapping[str, str], texts: Collection[str]
) -> tuple[Component, ...]:
    """What the tree contains: ``found`` are versions by name, from the binaries.

    Of a library that PYTHON.json names in two versions, that of the binaries stays; of zlib and
    zlib-ng, the one that was found. A component keeps those of its licence texts that are in
    ``texts``, perhaps none.
    """
    known = {each.name for each in components}
    added = [
        Component(name, "", ids, (f"{LICENSES}/{text}",))
        for name, (ids, text) in _UNDECLARED.items()
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
    """Whether a text such as ``LICENSE.openssl-3.txt`` belongs to the version that was found."""
    version = found.get(component.name, "")
    suffix = re.fullmatch(r".*-(\d+(?:\.\d+)*)\.txt", component.texts[0]) if version else None
    return suffix is None or f"{version}.".startswith(f"{suffix[1]}.")


def component_name(text: str) -> str:
    """``openssl`` for ``LICENSE.openssl-3.txt``: the number is not part of the library's name."""
    match = _TEXT_NAME.fullmatch(text)
    return re.sub(r"-\d+(\.\d+)*$", "", match["name"]) if match else text


def _licenses_by_text(extensions: Sequence[Extension]) -> Mapping[str, tuple[str, ...]]:
    """The SPDX ids of each text. An extension lists those of all its libraries together.

    So the ids of a library come from an extension that has no other, where there is one; else
    from all extensions that have it, without the ids known to be another library's.
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
