"""The bill of materials: valid CycloneDX, the same every time, and what scanners look for."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.formats.payload.model import Component, Manifest, Origin, PayloadMetadata
from pipeline.formats.payload.reader import Payload
from pipeline.publish.sbom import make_sbom
from pipeline.release.tag_tree import TagContents
from tests.harness.project import REPOSITORY
from tests.harness.schema import cyclonedx_fault

DOWNLOADS = "https://mirror.example/pbs"
DATE = datetime(2026, 10, 21, 12, tzinfo=UTC)
CPYTHON = Component("cpython", "3.14.9", ("Python-2.0", "CNRI-Python"), ("t",))
OPENSSL = Component("openssl", "3.5.4", ("Apache-2.0",), ("t",))
SQLITE = Component("sqlite", "", (), ("t",))
WHEELS = (
    Component("packaging", "26.3", ("Apache-2.0 OR BSD-2-Clause",), ("t",)),
    Component("pip", "26.3", ("MIT",), ("t",)),
    Component("a_tool", "1.0", (), ("t",)),
)


def origin(platform: str, **changes: str) -> Origin:
    name = f"cpython-3.14.9+20261021-{platform}-pgo+lto-full.tar.zst"
    whole = Origin("3.14.9", "20261021", f"{platform}-triple", "", platform[0] * 64, name)
    return replace(whole, **changes)


def payload(platform: str, *components: Component, **changes: str) -> Payload:
    about = PayloadMetadata(origin(platform, **changes), components=components)
    return Payload(Path(), Manifest("", (), about), ())


CONTENTS = TagContents(
    "v2.0.0-py3.14.9",
    "forge.example/you/py/v2",
    DATE,
    {
        "a-linux": payload("a-linux", CPYTHON, OPENSSL, SQLITE),
        "b-windows": payload("b-windows", CPYTHON, OPENSSL),
    },
    Payload(Path(), Manifest("", (), PayloadMetadata(components=WHEELS)), ()),
)


def sbom(contents: TagContents = CONTENTS, downloads: str = DOWNLOADS) -> dict[str, Any]:
    """The bill of materials, which the schema finds nothing wrong with."""
    text = make_sbom(contents, downloads).decode()
    assert cyclonedx_fault(text) == ""
    read: dict[str, Any] = json.loads(text)
    return read


def of_payload(*components: Component, **changes: str) -> dict[str, dict[str, Any]]:
    """The components of a tag with one payload, by name."""
    payloads = {"a-linux": payload("a-linux", *components, **changes)}
    made = sbom(replace(CONTENTS, payloads=payloads, pip=None))
    return {each["name"]: each for each in made["components"]}


def properties(component: dict[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in component["properties"]}


def test_it_is_about_the_module_at_the_tag() -> None:
    metadata = sbom()["metadata"]
    assert metadata["component"]["name"] == "forge.example/you/py/v2"
    assert metadata["component"]["version"] == "v2.0.0-py3.14.9"
    assert metadata["component"]["purl"] == "pkg:golang/forge.example/you/py/v2@v2.0.0-py3.14.9"
    assert datetime.fromisoformat(metadata["timestamp"]) == DATE


def test_everything_that_the_payloads_tell_is_in_it() -> None:
    found = {each.get("purl", each["name"]): each for each in sbom()["components"]}
    assert set(found) == {
        "pkg:generic/cpython@3.14.9",
        "pkg:generic/openssl@3.5.4",
        "pkg:generic/sqlite",
        "pkg:pypi/packaging@26.3",
        "pkg:pypi/pip@26.3",
        "pkg:pypi/a-tool@1.0",
        "cpython-3.14.9+20261021-a-linux-pgo+lto-full.tar.zst",
        "cpython-3.14.9+20261021-b-windows-pgo+lto-full.tar.zst",
    }
    assert properties(found["pkg:generic/openssl@3.5.4"])["goempy:platforms"] == "a-linux b-windows"
    assert properties(found["pkg:generic/sqlite"])["goempy:platforms"] == "a-linux"
    assert "version" not in found["pkg:generic/sqlite"]


def test_a_payload_that_tells_a_library_twice_is_one_platform() -> None:
    other = replace(OPENSSL, texts=("u",))
    found = of_payload(CPYTHON, OPENSSL, other)["openssl"]
    assert properties(found)["goempy:platforms"] == "a-linux"


def test_who_depends_on_what() -> None:
    made = sbom()
    graph = {each["ref"]: each.get("dependsOn", []) for each in made["dependencies"]}
    refs = {each["bom-ref"] for each in made["components"]}
    root = made["metadata"]["component"]["bom-ref"]
    assert set(graph) == refs | {root}
    assert set(graph[root]) == refs - {"pkg:generic/openssl@3.5.4", "pkg:generic/sqlite"}
    libraries = ["pkg:generic/openssl@3.5.4", "pkg:generic/sqlite"]
    assert graph["pkg:generic/cpython@3.14.9"] == libraries


def test_an_archive_has_its_sha256_and_the_place_that_it_comes_from() -> None:
    (found,) = [each for each in sbom()["components"] if "a-linux-pgo" in each["name"]]
    assert found["type"] == "file"
    assert found["version"] == "20261021"
    assert found["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    (reference,) = found["externalReferences"]
    assert reference["type"] == "distribution"
    name = "cpython-3.14.9%2B20261021-a-linux-pgo%2Blto-full.tar.zst"
    assert reference["url"] == f"{DOWNLOADS}/20261021/{name}"
    assert properties(found) == {"goempy:platforms": "a-linux", "goempy:triple": "a-linux-triple"}


def test_an_archive_of_a_folder_has_no_address() -> None:
    assert "externalReferences" not in json.dumps(sbom(downloads=""))


def test_an_archive_says_its_variant_and_who_signed_it() -> None:
    found = of_payload(CPYTHON, variant="freethreaded", attestation="a workflow")
    (archive,) = [each for each in found.values() if each["type"] == "file"]
    assert properties(archive)["goempy:variant"] == "freethreaded"
    assert properties(archive)["goempy:attestation"] == "a workflow"


def test_an_interpreter_of_a_machine_comes_from_nowhere() -> None:
    found = of_payload(pbs="local", asset="local.tar.zst")
    assert "externalReferences" not in found["local.tar.zst"]
    assert properties(found["local.tar.zst"])["goempy:components"] == "not listed by the archive"
    assert found["cpython"]["licenses"][0]["license"]["id"] == "Python-2.0"


@pytest.mark.parametrize(
    ("licenses", "expected"),
    [
        (("MIT",), [{"license": {"id": "MIT"}}]),
        (("X11", "MIT"), [{"license": {"id": "MIT"}}, {"license": {"id": "X11"}}]),
        (("Apache-2.0 OR MIT",), [{"expression": "Apache-2.0 OR MIT"}]),
        (("As Is",), [{"license": {"name": "As Is"}}]),
        (
            ("Apache-2.0 OR MIT", "X11"),
            [{"license": {"id": "X11"}}, {"license": {"name": "Apache-2.0 OR MIT"}}],
        ),
        ((), [{"license": {"name": "public domain"}}]),
    ],
)
def test_licences(licenses: tuple[str, ...], expected: list[dict[str, Any]]) -> None:
    found = of_payload(CPYTHON, Component("tcl", "", licenses))["tcl"]["licenses"]
    for each in found:
        for fields in each.values():
            if isinstance(fields, dict):
                fields.pop("acknowledgement", None)
        each.pop("acknowledgement", None)
    assert found == expected


def test_of_a_wheel_that_tells_no_licence_nothing_is_claimed() -> None:
    found = {each["name"]: each for each in sbom()["components"]}
    assert "licenses" not in found["a_tool"]
    assert found["packaging"]["licenses"][0]["expression"] == "Apache-2.0 OR BSD-2-Clause"


@pytest.mark.parametrize(
    ("name", "version", "cpe"),
    [
        ("cpython", "3.14.9", "cpe:2.3:a:python:python:3.14.9:*:*:*:*:*:*:*"),
        ("cpython", "3.15.0rc2", None),
        ("openssl", "1.1.1w", "cpe:2.3:a:openssl:openssl:1.1.1w:*:*:*:*:*:*:*"),
        ("expat", "2.7.3", "cpe:2.3:a:libexpat_project:libexpat:2.7.3:*:*:*:*:*:*:*"),
        ("expat", "", None),
        ("libXau", "1.0.11", None),
    ],
)
def test_scanners_find_what_has_a_version(name: str, version: str, cpe: str | None) -> None:
    assert of_payload(Component(name, version, ("MIT",)))[name].get("cpe") == cpe


def test_platforms_may_have_different_versions_of_a_library() -> None:
    older = replace(OPENSSL, version="3.0.16")
    unknown = replace(OPENSSL, version="")
    three = {
        name: payload(name, each) for name, each in {"a": OPENSSL, "b": older, "c": unknown}.items()
    }
    found = sbom(replace(CONTENTS, payloads=three))["components"]
    assert {
        each.get("version"): properties(each)["goempy:platforms"]
        for each in found
        if each["name"] == "openssl"
    } == {"3.5.4": "a", "3.0.16": "b", None: "c"}


def test_one_archive_for_two_platforms_is_one_component() -> None:
    two = dict.fromkeys("yx", CONTENTS.payloads["a-linux"])
    found = sbom(replace(CONTENTS, payloads=two))["components"]
    (archive,) = [each for each in found if each["type"] == "file"]
    assert properties(archive)["goempy:platforms"] == "x y"


def test_a_payload_of_unknown_origin_has_no_archive() -> None:
    bare = {"x": Payload(Path(), Manifest("", (), PayloadMetadata()), ())}
    assert sbom(replace(CONTENTS, payloads=bare, pip=None)).get("components", []) == []


def test_the_same_tag_gives_the_same_bytes() -> None:
    expected = make_sbom(CONTENTS, DOWNLOADS)
    turned = replace(CONTENTS, payloads=dict(reversed(list(CONTENTS.payloads.items()))))
    assert make_sbom(turned, DOWNLOADS) == expected
    script = "import sys; from tests.unit.publish.test_sbom import *; "
    script += "sys.stdout.buffer.write(make_sbom(CONTENTS, DOWNLOADS))"
    command = [sys.executable, "-c", script]
    env = {"PYTHONHASHSEED": "1"}
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, check=True)
    assert done.stdout == expected


def test_other_content_has_another_serial_number() -> None:
    numbers = {
        sbom(each)["serialNumber"]
        for each in (
            CONTENTS,
            replace(CONTENTS, tag="v2.0.1"),
            replace(CONTENTS, pip=None),
            replace(CONTENTS, date=datetime(2026, 10, 22, tzinfo=UTC)),
        )
    }
    assert len(numbers) == 4
