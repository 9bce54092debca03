"""The bill of materials of a tag: CycloneDX 1.6 in JSON. Pure: manifests in, text out.

The module depends on CPython, the wheels of package ``pip`` and the archives that its payloads
are made of; CPython depends on the libraries linked with it. The property ``goempy:platforms``
lists the payloads that have a component. Scanners such as grype find CPython and the libraries by
their CPE names; they ignore ``pkg:generic``. The same tag gives the same bytes: no clock, and a
serial number derived from the content.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
from pipeline.formats.payload.model import Component, Origin
from pipeline.formats.payload.reader import Payload
from pipeline.publish.tag_facts import generic_purl, wheel_purl
from pipeline.release.tag_tree import TagContents
from pipeline.release.third_party_licenses import PUBLIC_DOMAIN, declared_components

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
"""Of releases only; the database spells prereleases differently."""
_NO_SERIAL = uuid.UUID(int=0)


def make_sbom(tag: TagContents, downloads: str) -> bytes:
    """The bill of materials of a tag, as the text of a JSON file.

    ``downloads`` is the address above the release folders of the assets, ``""`` if they have none.
    """
    groups: dict[tuple[str, str], list[tuple[Component, str]]] = {}
    for platform, payload in tag.payloads.items():
        for each in declared_components(payload.manifest):
            groups.setdefault((each.name, each.version), []).append((each, platform))
    software = [_software(groups[key]) for key in sorted(groups)]
    cpython = [each for each in software if each.name == CPYTHON]
    libraries = [each for each in software if each.name != CPYTHON]
    wheels = [_wheel(each) for each in (tag.pip.manifest.about.components if tag.pip else ())]
    archives = list(_archives(tag.payloads, downloads))
    module = _module(tag)
    bom = Bom(
        components=[*cpython, *libraries, *wheels, *archives],
        metadata=BomMetaData(component=module, timestamp=tag.date),
    )
    bom.register_dependency(module, [*cpython, *wheels, *archives])
    for parent in cpython or [module]:
        bom.register_dependency(parent, libraries)
    return _text(bom)


def _text(bom: Bom) -> bytes:
    bom.serial_number = _NO_SERIAL
    bom.serial_number = uuid.uuid5(_NO_SERIAL, _json(bom))
    return f"{_json(bom)}\n".encode()


def _json(bom: Bom) -> str:
    return make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string(indent=2)


def _module(tag: TagContents) -> BomComponent:
    namespace, _slash, name = tag.module.rpartition("/")
    return BomComponent(
        type=ComponentType.LIBRARY,
        name=tag.module,
        version=tag.tag,
        bom_ref="module",
        purl=PackageURL("golang", namespace, name, tag.tag),
    )


def _software(group: Sequence[tuple[Component, str]]) -> BomComponent:
    """CPython, or a library linked with it: the same component of several platforms."""
    first = group[0][0]
    purl = generic_purl(first)
    ids = dict.fromkeys(text for each, _platform in group for text in each.licenses)
    # PYTHON.json lists no licence only for what is in the public domain.
    licenses = _licenses(list(ids)) or [DisjunctiveLicense(name=PUBLIC_DOMAIN)]
    return BomComponent(
        type=ComponentType.APPLICATION if first.name == CPYTHON else ComponentType.LIBRARY,
        name=first.name,
        version=first.version or None,
        bom_ref=str(purl),
        purl=purl,
        cpe=_cpe(first),
        licenses=licenses,
        properties=[_platforms(platform for _each, platform in group)],
    )


def _platforms(names: Iterable[str]) -> Property:
    return Property(name=PLATFORMS, value=" ".join(sorted(set(names))))


def _cpe(component: Component) -> str | None:
    """Its name in the vulnerability database, if that and the version are known."""
    product = _CPE.get(component.name)
    if product is None or not _CPE_VERSION.fullmatch(component.version):
        return None
    return f"cpe:2.3:a:{product}:{component.version}:*:*:*:*:*:*:*"


def _licenses(texts: Sequence[str]) -> list[License]:
    """SPDX ids, or one compound expression, or names for what SPDX does not know.

    A list may not contain an expression beside others (CycloneDX, "licenses").
    """
    make = LicenseFactory()
    declared = LicenseAcknowledgement.DECLARED
    made = [make.make_from_string(text, license_acknowledgement=declared) for text in texts]
    if len(made) < 2:
        return made
    return [
        make.make_with_name(each.value, acknowledgement=declared)
        if isinstance(each, LicenseExpression)
        else each
        for each in made
    ]


def _wheel(component: Component) -> BomComponent:
    purl = wheel_purl(component)
    return BomComponent(
        type=ComponentType.LIBRARY,
        name=component.name,
        version=component.version,
        bom_ref=str(purl),
        purl=purl,
        licenses=_licenses(component.licenses),
    )


def _archives(payloads: Mapping[str, Payload], downloads: str) -> Iterator[BomComponent]:
    """What the interpreters were unpacked from, by the sha256 that the payloads record."""
    platforms: dict[Origin, list[str]] = {}
    without_components: set[Origin] = set()
    for platform, payload in payloads.items():
        if origin := payload.manifest.origin:
            platforms.setdefault(origin, []).append(platform)
            if not payload.manifest.about.components:
                without_components.add(origin)
    for origin, names in platforms.items():
        lists_components = origin not in without_components
        yield _archive(origin, names, downloads, has_components=lists_components)


def _archive(
    origin: Origin, platforms: Sequence[str], downloads: str, *, has_components: bool
) -> BomComponent:
    facts = {"goempy:triple": origin.triple}
    if origin.variant:
        facts["goempy:variant"] = origin.variant
    if origin.attestation:
        facts["goempy:attestation"] = origin.attestation
    if not has_components:
        facts["goempy:components"] = "not listed by the archive"
    sha256 = HashType(alg=HashAlgorithm.SHA_256, content=origin.asset_sha256)
    references = []
    if origin.asset and origin.pbs != LOCAL and downloads:
        url = f"{downloads}/{quote(origin.pbs)}/{quote(origin.asset)}"
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
