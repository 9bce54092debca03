"""The software in a payload, by name, version and licence.

PYTHON.json of a full archive has the licences of CPython and, for each extension module, of the
libraries that it is linked with (python-build-standalone, "Distribution Archives"). It names no
versions, and some libraries too many; the binaries settle that (``formats.library_versions``).
"""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from pydantic import AliasPath, BaseModel, Field, ValidationError

from pipeline.formats.payload.model import LICENSES, Component
from pipeline.system.errors import ArchiveError
from pipeline.system.validation import validation_faults

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


class Extension(BaseModel, frozen=True):
    """An extension module of PYTHON.json and its libraries."""

    in_core: bool = False
    shared_lib: str | None = None
    links: tuple[dict[str, object], ...] | None = None
    licenses: tuple[str, ...] | None = None
    license_path: str | None = None
    license_paths: tuple[str, ...] | None = None

    @property
    def file(self) -> str:
        """Where it is in the tree; ``""`` for one that is built into the interpreter."""
        return "" if self.in_core else (self.shared_lib or "").removeprefix(_INSTALL)

    @property
    def system_only(self) -> bool:
        """Whether all its libraries are the system's, which do not ship."""
        links = self.links or ()
        return bool(links) and not any("path_static" in e or "path_dynamic" in e for e in links)

    @property
    def texts(self) -> tuple[str, ...]:
        """File names below the archive's ``licenses/``."""
        paths = self.license_paths or [self.license_path or ""]
        return tuple(posixpath.basename(path) for path in paths if path)


class BuildInfo(BaseModel, frozen=True):
    """The part of PYTHON.json that licences depend on."""

    version: str = Field(validation_alias="python_version")
    triple: str = Field(validation_alias="target_triple")
    licenses: tuple[str, ...] | None = None
    license_path: str
    variants: dict[str, tuple[Extension, ...]] = Field(
        validation_alias=AliasPath("build_info", "extensions")
    )

    @property
    def extensions(self) -> tuple[Extension, ...]:
        """All variants of all extension modules."""
        return tuple(each for several in self.variants.values() for each in several)


def parse_build_info(data: bytes, *, where: str) -> BuildInfo:
    """Read PYTHON.json; raises ``ArchiveError``. ``where`` names the archive."""
    try:
        return BuildInfo.model_validate_json(data)
    except ValidationError as fault:
        raise ArchiveError(
            f"{where}: PYTHON.json has no licences in a known form",
            details=validation_faults(fault),
            hint="Its format is newer than this goempy, or it is not an archive of "
            "python-build-standalone.",
        ) from fault


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
    text = posixpath.basename(info.license_path)
    cpython = Component(CPYTHON, info.version, info.licenses or (), (f"{LICENSES}/{text}",))
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
            ids[each.texts[0]].update(each.licenses or ())
    alone = {text: frozenset(found) for text, found in ids.items()}
    for each in extensions:
        known = set[str]().union(*(alone.get(text, frozenset()) for text in each.texts))
        unknown = [text for text in each.texts if text not in alone]
        for text in unknown:
            licenses = set(each.licenses or ())
            ids[text].update(licenses - known or licenses)
    return {text: tuple(sorted(found)) for text, found in ids.items()}
