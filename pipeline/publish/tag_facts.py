"""What a tag contains: for its release's ``tags.json``, the notes and audits.

The keys of ``tags.json`` are those of ``docs/tags.schema.json``. As in payload manifests, a key is
spelled out at its field and never derived from the name in the code.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Literal

from packageurl import PackageURL
from pydantic import Field, TypeAdapter, ValidationError

from pipeline.build.components import CPYTHON
from pipeline.config.model import Line, PythonVersion
from pipeline.config.update import end_of_life
from pipeline.formats.payload.model import Component
from pipeline.publish.sizes import TagSizes
from pipeline.release.tag_tree import TagContents
from pipeline.release.third_party_licenses import declared_components
from pipeline.system.errors import UsageError
from pipeline.system.validation import validation_faults

TAGS_JSON = "tags.json"
PYPI = "pypi"


@dataclass(frozen=True, slots=True)
class PlatformFacts:
    """One payload; ``embedded_bytes`` is what it adds to a Go binary, 0 if it was not measured."""

    name: Annotated[str, Field(alias="name")]
    triple: Annotated[str, Field(alias="triple")]
    embedded_bytes: Annotated[int, Field(alias="embeddedBytes")] = 0


@dataclass(frozen=True, slots=True)
class ComponentFacts:
    """Software in a tag: CPython, a library linked with it, or a wheel of package ``pip``."""

    name: Annotated[str, Field(alias="name")]
    version: Annotated[str, Field(alias="version")]
    """``""`` where it is not known."""
    purl: Annotated[str, Field(alias="purl")]
    """As in the bill of materials."""
    licenses: Annotated[tuple[str, ...], Field(alias="licenses")] = ()
    """SPDX ids; none for the public domain."""
    platforms: Annotated[tuple[str, ...], Field(alias="platforms")] = ()
    """Those whose payloads have it; none for a wheel, which belongs to no platform."""

    @property
    def is_wheel(self) -> bool:
        """Whether package ``pip`` has it."""
        return PackageURL.from_string(self.purl).type == PYPI


@dataclass(frozen=True, slots=True)
class TagFacts:
    """One tag. ``module`` has ``/vN``; sizes are 0 where they were not measured."""

    tag: Annotated[str, Field(alias="tag")]
    module: Annotated[str, Field(alias="module")]
    python: Annotated[str, Field(alias="python")]
    variant: Annotated[str, Field(alias="variant")]
    pbs: Annotated[str, Field(alias="pbs")]
    end_of_life: Annotated[date | None, Field(alias="endOfLife")]
    """The last day with security fixes from CPython."""
    platforms: Annotated[tuple[PlatformFacts, ...], Field(alias="platforms")]
    components: Annotated[tuple[ComponentFacts, ...], Field(alias="components")]
    module_bytes: Annotated[int, Field(alias="moduleBytes")] = 0
    """What ``go get`` fetches, unpacked."""

    @property
    def line(self) -> Line:
        """Its line."""
        return Line(PythonVersion.parse(self.python), self.pbs, self.variant)

    @property
    def lists_libraries(self) -> bool:
        """Whether what is linked with CPython is known; only full archives list it."""
        return any(each.name != CPYTHON and not each.is_wheel for each in self.components)

    @property
    def embedded(self) -> Mapping[str, int]:
        """Bytes that each platform adds to a Go binary."""
        return {each.name: each.embedded_bytes for each in self.platforms}

    @property
    def software(self) -> Mapping[str, str]:
        """Versions of libraries and wheels, ``""`` where unknown."""
        versions: dict[str, set[str]] = {}
        for each in self.components:
            if each.name != CPYTHON:
                versions.setdefault(each.name, set()).update({each.version} - {""})
        return {name: ", ".join(sorted(versions[name])) for name in sorted(versions)}


@dataclass(frozen=True, slots=True)
class _Document:
    format: Annotated[Literal[1], Field(alias="format")]
    tags: Annotated[tuple[TagFacts, ...], Field(alias="tags")] = field(default=())


@functools.cache
def _document_adapter() -> TypeAdapter[_Document]:
    return TypeAdapter(_Document)


def facts_of(tag: TagContents, sizes: TagSizes | None = None) -> TagFacts:
    """The facts of a tag, with the ``sizes`` of the same; at least one payload has an origin."""
    origins = {name: each.manifest.origin for name, each in tag.payloads.items()}
    origin = next(each for each in origins.values() if each is not None)
    embedded = {}
    if sizes is not None:
        embedded = {each.name.rpartition("/")[2]: each.embedded_bytes for each in sizes.platforms}
    return TagFacts(
        tag.tag,
        tag.module,
        origin.version,
        origin.variant,
        origin.pbs,
        end_of_life(PythonVersion.parse(origin.version)),
        tuple(
            PlatformFacts(name, each.triple if each else "", embedded.get(name, 0))
            for name, each in origins.items()
        ),
        tuple(_components(tag)),
        sizes.module_bytes if sizes else 0,
    )


def _components(tag: TagContents) -> Iterable[ComponentFacts]:
    """CPython first, then libraries and wheels by name."""
    groups: dict[tuple[str, str], list[tuple[Component, str]]] = {}
    for platform, payload in tag.payloads.items():
        for each in declared_components(payload.manifest):
            groups.setdefault((each.name, each.version), []).append((each, platform))
    for key in sorted(groups, key=lambda key: (key[0] != CPYTHON, key)):
        yield _facts(groups[key], generic_purl(groups[key][0][0]))
    for wheel in tag.pip.manifest.about.components if tag.pip else ():
        yield _facts([(wheel, "")], wheel_purl(wheel))


def _facts(group: Sequence[tuple[Component, str]], purl: PackageURL) -> ComponentFacts:
    first = group[0][0]
    licenses = dict.fromkeys(text for each, _platform in group for text in each.licenses)
    platforms = tuple(platform for _each, platform in group if platform)
    return ComponentFacts(first.name, first.version, str(purl), tuple(licenses), platforms)


def generic_purl(component: Component) -> PackageURL:
    """The package URL of CPython or of a library linked with it."""
    return PackageURL("generic", None, component.name, component.version or None)


def wheel_purl(wheel: Component) -> PackageURL:
    """The package URL of a wheel."""
    return PackageURL(PYPI, None, wheel.name, wheel.version)


def dump_tags(tags: Sequence[TagFacts]) -> bytes:
    """The text of a ``tags.json``."""
    fields: dict[str, Any] = _document_adapter().dump_python(
        _Document(1, tuple(tags)), mode="json", by_alias=True
    )
    return f"{json.dumps(fields, indent=2, ensure_ascii=False)}\n".encode()


def parse_tags(data: bytes, *, where: str) -> tuple[TagFacts, ...]:
    """Read a ``tags.json``; raises ``UsageError``."""
    try:
        return _document_adapter().validate_json(data).tags
    except ValidationError as fault:
        raise UsageError(
            f"{where} is not a {TAGS_JSON} that this goempy reads",
            details=validation_faults(fault),
            hint=f"Download {TAGS_JSON} of a release; a newer format needs a newer goempy.",
        ) from fault
