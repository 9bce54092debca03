"""The bill of materials of a tag: CycloneDX 1.6 in JSON. Pure: manifests in, text out.

The module depends on CPython, the wheels of package ``pip`` and the archives that its payloads
are made of; CPython depends on the libraries that are linked with it. The property
``goempy:platforms`` says in which payloads a thing is. Scanners such as grype find CPython and the
libraries by their CPE names; a ``pkg:generic`` tells them nothing. The same tag gives the same
bytes: no clock, and a serial number that is made of the content.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import (
    ExternalReference,
    ExternalReferenceType,
    HashAlgorithm,
    HashType,
    Property,
    XsUri,
)
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component as BomComponent
from cyclonedx.model.component import ComponentType
from cyclonedx.model.license import (
    DisjunctiveLicense,
    License,
    LicenseAcknowledgement,
    LicenseExpression,
)
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from pipeline.build.components import CPYTHON
from pipeline.config.model import LOCAL
from pipeline.formats.payload.model import Component, Manifest, Origin
from pipeline.release.third_party_licenses import PUBLIC_DOMAIN, declared_components
from pipeline.sources.source import PBS_DOWNLOADS

PLATFORMS = "goempy:platforms"
_CPE: Mapping[str, str] = {
    "bzip2": "bzip:bzip2",
    CPYTHON: "python:python",
    "expat": "libexpat_project:libexpat",
    "libffi": "libffi_project:libffi",
    "liblzma": "tukaani:xz",
    "mpdecimal": "bytereef:mpdecimal",
    "ncurses": "gnu:ncurses",
    "openssl": "openssl:openssl",
    "sqlite": "sqlite:sqlite",
    "zlib": "zlib:zlib",
}
"""Vendor and product in the National Vulnerability Database.

Source: Misc/sbom.spdx.json and Misc/externals.spdx.json of CPython; ncurses and CPython itself
from the database."""
_CPE_VERSION = re.compile(r"\d+(\.\d+)+[a-z]?")
"""As releases have it; the database writes prereleases in ways of its own."""
_NO_SERIAL = uuid.UUID(int=0)


@dataclass(frozen=True, slots=True)
class PlatformManifest:
    """What a tag ships for one platform."""

    platform: str
    manifest: Manifest


@dataclass(frozen=True, slots=True)
class TagContents:
    """What a bill of materials is made of."""

    module: str
    """The module path, with ``/vN``."""
    tag: str
    date: datetime
    """The source commit's, with a zone."""
    payloads: tuple[PlatformManifest, ...]
    pip: Manifest | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    """A component as one payload tells of it."""

    component: Component
    platform: str


def make_sbom(contents: TagContents) -> bytes:
    """The bill of materials of a tag, as the text of a JSON file."""
    known = [
        _Known(component, each.platform)
        for each in contents.payloads
        for component in declared_components(each.manifest)
    ]
    interpreters = [each for each in known if each.component.name == CPYTHON]
    libraries = [each for each in known if each.component.name != CPYTHON]
    cpython = [_software(group) for group in _grouped(interpreters)]
    linked = [_software(group) for group in _grouped(libraries)]
    wheels = [_wheel(each) for each in (contents.pip.about.components if contents.pip else ())]
    archives = list(_archives(contents.payloads))
    module = _module(contents)
    bom = Bom(
        components=[*cpython, *linked, *wheels, *archives],
        metadata=BomMetaData(component=module, timestamp=contents.date),
    )
    bom.register_dependency(module, [*cpython, *wheels, *archives])
    for parent in cpython or [module]:
        bom.register_dependency(parent, linked)
    return _text(bom)


def _text(bom: Bom) -> bytes:
    bom.serial_number = _NO_SERIAL
    bom.serial_number = uuid.uuid5(_NO_SERIAL, _json(bom))
    return f"{_json(bom)}\n".encode()


def _json(bom: Bom) -> str:
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _module(contents: TagContents) -> BomComponent:
    namespace, _slash, name = contents.module.rpartition("/")
    return BomComponent(
        type=ComponentType.LIBRARY,
        name=contents.module,
        version=contents.tag,
        bom_ref="module",
        purl=PackageURL("golang", namespace, name, contents.tag),
    )


def _grouped(known: Iterable[_Known]) -> Iterator[Sequence[_Known]]:
    """What is the same software, in the order of name and version."""
    groups: dict[tuple[str, str], list[_Known]] = {}
    for each in known:
        groups.setdefault((each.component.name, each.component.version), []).append(each)
    return (groups[key] for key in sorted(groups))


def _software(group: Sequence[_Known]) -> BomComponent:
    """CPython, or a library that is linked with it."""
    first = group[0].component
    purl = PackageURL("generic", None, first.name, first.version or None)
    ids = dict.fromkeys(text for each in group for text in each.component.licenses)
    # Of no licence is only what is in the public domain: PYTHON.json tells all others.
    licenses = _licenses(list(ids)) or [DisjunctiveLicense(name=PUBLIC_DOMAIN)]
    return BomComponent(
        type=ComponentType.APPLICATION if first.name == CPYTHON else ComponentType.LIBRARY,
        name=first.name,
        version=first.version or None,
        bom_ref=str(purl),
        purl=purl,
        cpe=_cpe(first),
        licenses=licenses,
        properties=[_platforms(each.platform for each in group)],
    )


def _platforms(names: Iterable[str]) -> Property:
    return Property(name=PLATFORMS, value=" ".join(sorted(set(names))))


def _cpe(component: Component) -> str | None:
    """The name by which the vulnerability database knows it, where the version is known too."""
    product = _CPE.get(component.name)
    if product is None or not _CPE_VERSION.fullmatch(component.version):
        return None
    return f"cpe:2.3:a:{product}:{component.version}:*:*:*:*:*:*:*"


def _licenses(told: Sequence[str]) -> list[License]:
    """SPDX ids; one compound expression; for what SPDX does not know, names.

    A list may not hold an expression beside others (CycloneDX, "licenses").
    """
    make = LicenseFactory()
    declared = LicenseAcknowledgement.DECLARED
    made = [make.make_from_string(text, license_acknowledgement=declared) for text in told]
    if len(made) < 2:
        return made
    return [
        make.make_with_name(each.value, acknowledgement=declared)
        if isinstance(each, LicenseExpression)
        else each
        for each in made
    ]


def _wheel(component: Component) -> BomComponent:
    purl = PackageURL("pypi", None, component.name, component.version)
    return BomComponent(
        type=ComponentType.LIBRARY,
        name=component.name,
        version=component.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=_licenses(component.licenses),
    )


def _archives(payloads: Sequence[PlatformManifest]) -> Iterator[BomComponent]:
    """What the interpreters were unpacked from, by the sha256 that the payloads record."""
    origins: dict[Origin, list[str]] = {}
    silent: set[Origin] = set()
    for each in payloads:
        if each.manifest.origin:
            origins.setdefault(each.manifest.origin, []).append(each.platform)
            if not each.manifest.about.components:
                silent.add(each.manifest.origin)
    for origin, platforms in origins.items():
        yield _archive(origin, platforms, tells=origin not in silent)


def _archive(origin: Origin, platforms: Sequence[str], *, tells: bool) -> BomComponent:
    facts = {"goempy:triple": origin.triple}
    if origin.variant:
        facts["goempy:variant"] = origin.variant
    if origin.attestation:
        facts["goempy:attestation"] = origin.attestation
    if not tells:
        facts["goempy:components"] = "not told by the archive"
    sha256 = HashType(alg=HashAlgorithm.SHA_256, content=origin.asset_sha256)
    references = []
    if origin.asset and origin.pbs != LOCAL:
        url = f"{PBS_DOWNLOADS}/{quote(origin.pbs)}/{quote(origin.asset)}"
        references.append(
            ExternalReference(
                type=ExternalReferenceType.DISTRIBUTION, url=XsUri(url), hashes=[sha256]
            )
        )
    return BomComponent(
        type=ComponentType.FILE,
        name=origin.asset or f"{CPYTHON}-{origin.version}-{origin.triple}",
        version=origin.pbs,
        bom_ref=f"archive:{min(platforms)}",
        hashes=[sha256],
        external_references=references,
        properties=[
            _platforms(platforms),
            *(Property(name=name, value=value) for name, value in facts.items()),
        ],
    )
