"""What is asked of OSV for a component, and how its records become findings."""

from __future__ import annotations

import dataclasses
from datetime import date

import pytest

from pipeline.config.model import FREE_THREADED, LOCAL, PythonVersion
from pipeline.config.update import Archive
from pipeline.config.vex import VexStatement
from pipeline.formats.osv import GIT, PYPI, OsvPackage, Vulnerability
from pipeline.publish.audit import TagAudit, audit_tag, packages_of
from pipeline.publish.audit_issue import issue_text
from pipeline.publish.audit_report import notes_of
from pipeline.publish.osv_packages import osv_package
from pipeline.publish.tag_facts import ComponentFacts, PlatformFacts, TagFacts
from pipeline.publish.vex import AuditTarget
from tests.fakes.osv import git_record, pypi_record

REPO = "https://github.com/python/cpython"
OPENSSL = "https://github.com/openssl/openssl"
TODAY = date(2026, 11, 27)
CPYTHON = ComponentFacts("cpython", "3.14.9", "pkg:generic/cpython@3.14.9", (), ("linux-amd64",))
PIP = ComponentFacts("pip", "26.2", "pkg:pypi/pip@26.2")


def facts(*components: ComponentFacts, python: str = "3.14.9", variant: str = "") -> TagFacts:
    platforms = (PlatformFacts("linux-amd64", ""),)
    return TagFacts(
        "v0.1.0", "m", python, variant, "20261021", date(2030, 10, 31), platforms, components
    )


def judge(
    target: AuditTarget,
    *records: dict[str, object],
    statements: tuple[VexStatement, ...] = (),
    archives: tuple[Archive, ...] = (),
) -> TagAudit:
    read = [Vulnerability.model_validate(each) for each in records]
    found = {p: tuple(r for r in read if r.affects(p)) for p in packages_of([target])}
    return audit_tag(target, found, statements, archives, TODAY)


@pytest.mark.parametrize(
    ("name", "version", "asked"),
    [
        ("cpython", "3.15.0rc2", OsvPackage(GIT, REPO, "v3.15.0rc2")),
        ("openssl", "3.5.4", OsvPackage(GIT, OPENSSL, "openssl-3.5.4")),
        ("openssl", "1.1.1w", OsvPackage(GIT, OPENSSL, "OpenSSL_1_1_1w")),
        ("sqlite", "3.50.4", OsvPackage(GIT, "https://github.com/sqlite/sqlite", "version-3.50.4")),
        ("expat", "2.7.1", OsvPackage(GIT, "https://github.com/libexpat/libexpat", "R_2_7_1")),
        ("zlib", "1.3.1", OsvPackage(GIT, "https://github.com/madler/zlib", "v1.3.1")),
        ("zlib-ng", "", "its version is not known"),
        ("bdb", "6.0.19", "goempy knows no repository of it that OSV has"),
    ],
)  # fmt: skip
def test_what_osv_is_asked_for(name: str, version: str, asked: OsvPackage | str) -> None:
    assert osv_package(ComponentFacts(name, version, f"pkg:generic/{name}")) == asked


def test_a_wheel_is_a_package_of_pypi() -> None:
    assert osv_package(PIP) == OsvPackage(PYPI, "pip", "26.2")
    # A library of the same name would not be.
    assert isinstance(osv_package(ComponentFacts("pip", "26.2", "pkg:generic/pip@26.2")), str)


def test_records_of_one_vulnerability_are_one_finding() -> None:
    audit = judge(
        AuditTarget(facts(CPYTHON, PIP)),
        git_record("PSF-2026-7", REPO, "v3.14.9", aliases=["CVE-2026-5"]),
        git_record("OSV-2026-1", REPO, "v3.14.9", aliases=["BIT-2026-5"]),
        git_record("BIT-2026-5", REPO, "v3.14.9", aliases=["CVE-2026-5"], summary="In words"),
        git_record("CVE-2026-1", REPO, "v3.14.9"),
        pypi_record("GHSA-1", "pip", "26.3", "26.2", aliases=["CVE-2025-8869"]),
        pypi_record("PYSEC-1", "pip", "26.3", "26.2", aliases=["CVE-2025-8869"]),
    )
    assert [(each.ids, each.component.name) for each in audit.vulnerabilities] == [
        (("CVE-2026-1",), "cpython"),
        (("CVE-2026-5", "BIT-2026-5", "OSV-2026-1", "PSF-2026-7"), "cpython"),
        (("CVE-2025-8869", "GHSA-1", "PYSEC-1"), "pip"),
    ]
    assert audit.vulnerabilities[1].about == "In words"
    assert audit.vulnerabilities[2].fixed_in == ("26.3",)
    assert not audit.is_clean


@pytest.mark.parametrize(
    ("files", "holds"),
    [
        (frozenset({"lib/python3.14/os.py"}), True),
        (frozenset({"lib/python3.14/ensurepip/__init__.py"}), False),
        # Of a tags.json nobody knows its files.
        (None, False),
    ],
)
def test_a_statement_holds_if_the_files_are_known_to_be_absent(
    files: frozenset[str] | None, *, holds: bool
) -> None:
    globs = ("lib*/python3.*/ensurepip/**", "Lib/ensurepip/**")
    statement = VexStatement(vulnerability="GHSA-7", component="cpython", absent=globs, why="w")
    record = git_record("CVE-2026-1", REPO, "v3.14.9", aliases=["GHSA-7"])
    audit = judge(AuditTarget(facts(CPYTHON), files), record, statements=(statement,))
    assert audit.is_clean is holds
    assert len(audit.not_affected) == holds
    # It is about CPython, and about nothing else that has the vulnerability.
    other = pypi_record("GHSA-7", "pip", "26.3", "26.2")
    assert not judge(AuditTarget(facts(PIP), files), other, statements=(statement,)).is_clean


@pytest.mark.parametrize(
    ("python", "variant", "newer"),
    [
        ("3.14.9", "", "3.14.10"),
        ("3.14.10", "", ""),
        ("3.14.9", FREE_THREADED, ""),
        ("3.15.0rc1", "", "3.15.0rc2"),
        ("3.16.0", "", ""),
    ],
)
def test_a_newer_patch_is_one_of_the_same_line(python: str, variant: str, newer: str) -> None:
    offered = tuple(
        Archive(PythonVersion.parse(each), each_variant, "")
        for each, each_variant in [
            ("3.14.8", ""), ("3.14.10", ""), ("3.14.11rc1", ""), ("3.15.0rc2", ""),
            ("3.14.9", FREE_THREADED), ("3.16.1rc1", ""),
        ]
    )  # fmt: skip
    audit = judge(AuditTarget(facts(python=python, variant=variant)), archives=offered)
    assert str(audit.newer or "") == newer
    assert audit.is_clean is not bool(newer)


def test_libraries_that_no_payload_lists_are_said_to_be_missing() -> None:
    silent = judge(AuditTarget(facts(CPYTHON, PIP)))
    assert [note for note in notes_of(silent) if "libraries" in note]
    zlib = ComponentFacts("zlib", "1.3.1", "pkg:generic/zlib@1.3.1")
    assert list(notes_of(judge(AuditTarget(facts(CPYTHON, zlib))))) == []


def test_a_local_interpreter_is_no_line_of_pbs() -> None:
    offered = (Archive(PythonVersion.parse("3.14.10"), "", ""),)
    local = dataclasses.replace(facts(), pbs=LOCAL)
    assert judge(AuditTarget(local), archives=offered).newer is None


def test_an_ended_python() -> None:
    ended = judge(AuditTarget(facts(python="3.10.22")))
    assert ended.is_over
    assert not ended.is_clean


def test_texts_of_osv_are_only_texts_in_an_issue() -> None:
    record = git_record("CVE-2026-1", REPO, "v3.14.9", summary="`a|b` by @someone <img src=x>")
    text = issue_text([judge(AuditTarget(facts(CPYTHON)), record)])
    assert "| `'a\\|b' by @someone <img src=x>` |" in text


def test_a_long_report_fits_into_an_issue() -> None:
    many = [git_record(f"CVE-2026-{1000 + n}", REPO, "v3.14.9") for n in range(700)]
    text = issue_text([judge(AuditTarget(facts(CPYTHON)), *many)])
    assert len(text) <= 65_536
    assert "shortened: the rest is in the output of goempy audit" in text
    assert text.startswith("| tag | component |")
