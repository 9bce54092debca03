"""``goempy audit``: released tags against OSV, in the forms that people and machines read."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.formats.payload.model import Component
from pipeline.publish.audit_issue import LABEL, TITLE
from pipeline.publish.vex import target_of
from pipeline.release.tag_index import known_tags
from pipeline.system.errors import AuditError, ConfigError, DownloadError, UsageError
from pipeline.system.git import Git
from tests.builders.pbs_listing import pbs_names, sha256_of
from tests.builders.site import NAME, PBS, HostedSite, Site, hosted_site, make_site
from tests.fakes.github.faults import Fault
from tests.fakes.github.server import API, GitHub, Issue, serve_github
from tests.fakes.http_server import Loopback
from tests.fakes.osv import Osv, git_record
from tests.harness.project import Line, Outcome, Project, git
from tests.harness.schema import schema_fault

CPYTHON = "https://github.com/python/cpython"
OPENSSL = "https://github.com/openssl/openssl"
PRIMARY, OTHER = "v0.1.0", "v0.1.0-py3.13.17"
TODAY = date(2026, 11, 27)
HEAP = git_record(
    "CVE-2026-1", CPYTHON, "v3.14.8", "v3.14.9", aliases=["PSF-2026-7"], summary="A heap overflow"
)
TLS = git_record(
    "CVE-2026-2", OPENSSL, "openssl-3.5.3", "openssl-3.5.4", details="In TLS.\n\nMore."
)


@dataclass(frozen=True)
class World:
    site: Site
    osv: Osv
    listing: Path
    """A folder that lists a release of PBS: the source of newer patches."""

    def run(self, *more: str | Path, env: Mapping[str, str] | None = None) -> Outcome:
        return audit(self.site.project, self.osv.address, self.listing, *more, env=env)

    def json(self, *more: str | Path) -> dict[str, Any]:
        return by_tag(self.run("--json", *more))


def by_tag(outcome: Outcome) -> dict[str, Any]:
    document = json.loads(outcome.out)
    assert schema_fault(document, "audit.schema.json") == ""
    return {each["tag"]: each for each in document["tags"]}


def audit(
    project: Project, osv: str | Path, source: Path, *more: str | Path,
    env: Mapping[str, str] | None = None,
) -> Outcome:  # fmt: skip
    return project.run(
        "audit", "--osv", osv, "--source", source, *more, env=env, today=lambda: TODAY
    )


def make_listing(folder: Path, *versions: str) -> Path:
    rows = [f"{sha256_of(name)}  {name}\n" for name in pbs_names(PBS, *versions)]
    (folder / PBS).mkdir(parents=True)
    (folder / PBS / "SHA256SUMS").write_text("".join(rows))
    return folder


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Two lines with the libraries that real payloads have."""
    folder = tmp_path_factory.mktemp("released")
    lines = [Line(each, PBS, platforms=("linux-amd64",)) for each in ("3.14.9", "3.13.17")]
    site = make_site(folder, *lines)
    libraries = (
        Component("liblzma", "", (), ("COPYING",)),
        Component("ncurses", "6.5", ("X11",), ("COPYING",)),
        Component("openssl", "3.5.4", ("Apache-2.0",), ("COPYING",)),
    )
    site.make(site.cells, components=libraries)
    outcome = site.push()
    assert outcome.code == 0, outcome.log
    return site


@pytest.fixture
def world(released: Site, server: Loopback, tmp_path: Path) -> World:
    return World(released, Osv(server), make_listing(tmp_path / "pbs", "3.14.9", "3.13.17"))


def rows(outcome: Outcome) -> list[list[str]]:
    return [row.strip().split(maxsplit=4) for row in outcome.out.splitlines()[1:]]


def test_vulnerabilities_are_a_row_a_component(world: World) -> None:
    world.osv.add(HEAP, TLS)
    outcome = world.run()
    assert outcome.code == AuditError.exit_code, outcome.log
    assert rows(outcome) == [
        [OTHER, "openssl", "3.5.4", "CVE-2026-2", "In TLS."],
        [PRIMARY, "cpython", "3.14.9", "CVE-2026-1", "A heap overflow"],
        [PRIMARY, "openssl", "3.5.4", "CVE-2026-2", "In TLS."],
    ]
    assert "vex.toml" in outcome.log
    assert "goempy update" not in outcome.log
    # What was not looked up is said, and why.
    assert f"{PRIMARY}: not looked up, since its version is not known: liblzma\n" in outcome.log
    assert "ncurses 6.5" in outcome.log


def test_nothing_to_find(world: World, tmp_path: Path) -> None:
    outcome = world.run(env={"GITHUB_STEP_SUMMARY": str(tmp_path / "summary")})
    assert (outcome.code, outcome.out) == (0, "")
    assert f"nothing is known to be wrong with {OTHER}, {PRIMARY}\n" in outcome.log
    assert "Nothing is known to be wrong." in (tmp_path / "summary").read_text("utf-8")


def test_osv_is_asked_for_what_it_knows(world: World) -> None:
    world.run()
    asked = {(each["package"]["name"], each["version"]) for each in world.osv.queries}
    assert asked == {
        (CPYTHON, "v3.14.9"), (CPYTHON, "v3.13.17"), (OPENSSL, "openssl-3.5.4"),
    }  # fmt: skip
    assert len(world.osv.queries) == 3


def test_the_line_s_own_state(world: World, tmp_path: Path) -> None:
    source = make_listing(tmp_path / "newer", "3.14.10", "3.13.17", "3.15.1")
    late = world.site.project.run(
        "audit", "--osv", world.osv.address, "--source", source, today=lambda: date(2029, 11, 1)
    )
    assert late.code == AuditError.exit_code
    assert rows(late) == [
        [OTHER, "Python", "3.13.17", "end", "of life  since 2029-10-31"],
        [PRIMARY, "Python", "3.14.9", "newer", "patch  3.14.10"],
    ]


def test_json_has_all_that_is_known(world: World) -> None:
    world.osv.add(HEAP)
    found = world.json(PRIMARY)
    assert set(found) == {PRIMARY}
    tag = found[PRIMARY]
    assert (tag["python"], tag["endOfLife"], tag["isOver"]) == ("3.14.9", "2030-10-31", False)
    assert tag["newerPatch"] is None
    (vulnerability,) = tag["vulnerabilities"]
    assert vulnerability["ids"] == ["CVE-2026-1", "PSF-2026-7"]
    assert vulnerability["purl"] == "pkg:generic/cpython@3.14.9"
    assert vulnerability["platforms"] == ["linux-amd64"]
    assert vulnerability["page"] == "https://advisories.example/CVE-2026-1"
    assert vulnerability["severity"][0].startswith("CVSS:3.1/")
    assert [each["purl"] for each in tag["notLookedUp"]] == [
        "pkg:generic/liblzma", "pkg:generic/ncurses@6.5",
    ]  # fmt: skip


def test_exports_find_the_same_without_any_network(world: World, tmp_path: Path) -> None:
    world.osv.add(HEAP, TLS)
    expected = world.run()
    folder = world.osv.export(tmp_path / "osv")
    world.osv.server.requests.clear()
    found = audit(world.site.project, folder, world.listing)
    assert (found.code, found.out) == (expected.code, expected.out)
    # Without a source of its own, PBS at GitHub is not asked.
    env = {"GITHUB_API_URL": "http://127.0.0.1:9", "GOEMPY_OSV": str(folder)}
    alone = world.site.project.run("audit", env=env, today=lambda: TODAY)
    assert (alone.code, alone.out) == (expected.code, expected.out)
    assert "newer patches are not known" in alone.log
    assert world.osv.server.requests == []


def test_a_checkout_without_tags_stays_as_it_is(world: World) -> None:
    world.osv.add(TLS)
    checkout = world.site.checkout("shallow")
    before = checkout.git("count-objects", "-v"), checkout.git("for-each-ref")
    outcome = audit(checkout, world.osv.address, world.listing, "--remote", "origin")
    assert outcome.code == AuditError.exit_code, outcome.log
    assert outcome.out == world.run().out
    assert before == (checkout.git("count-objects", "-v"), checkout.git("for-each-ref"))


def test_no_payload_is_fetched(world: World, tmp_path: Path) -> None:
    repo = Git(world.site.checkout("bare-bones").root, {"PATH": os.environ["PATH"]})
    index = known_tags(repo, "origin", tmp_path / "scratch")
    contents = index.manifests([PRIMARY, OTHER])
    assert [target_of(each).facts.python for each in contents.values()] == ["3.14.9", "3.13.17"]
    (scratch,) = (tmp_path / "scratch").iterdir()
    objects = git(scratch, "cat-file", "--batch-all-objects", "--batch-check=%(objecttype)")
    # Two manifests, and the go.mod that both have.
    assert objects.split().count("blob") == 3


def test_a_file_of_a_release_takes_the_place_of_tags(world: World, tmp_path: Path) -> None:
    world.osv.add(TLS)
    world.site.project.run("assets", PRIMARY, "--out", tmp_path / "assets")
    file = tmp_path / "assets" / PRIMARY / "tags.json"
    elsewhere = Project(tmp_path / "elsewhere")
    elsewhere.root.mkdir()
    outcome = audit(elsewhere, world.osv.address, world.listing, "--tags-json", file)
    assert outcome.code == AuditError.exit_code, outcome.log
    assert outcome.out == world.run(PRIMARY).out
    for wrong in (("--tags-json", file, OTHER), ("--tags-json", tmp_path)):
        refused = audit(elsewhere, world.osv.address, world.listing, *wrong)
        assert refused.code == UsageError.exit_code, refused.log


STATEMENT = """
[[statement]]
vulnerability = "PSF-2026-7"
component = "cpython"
absent = ["{glob}"]
why = "it is in a part that does not ship"
"""


@pytest.fixture
def checkout(world: World, tmp_path: Path) -> Project:
    """A checkout whose vex.toml a test may write; it has the tags."""
    root = tmp_path / "checkout"
    world.site.project.git("worktree", "add", "--quiet", "--detach", str(root))
    return Project(root)


def test_a_part_that_does_not_ship_is_no_finding(
    world: World, checkout: Project, tmp_path: Path
) -> None:
    world.osv.add(HEAP)
    checkout.write("vex.toml", STATEMENT.format(glob="lib*/**/ensurepip/**"))
    vex = tmp_path / "openvex.json"
    outcome = audit(checkout, world.osv.address, world.listing, "--vex", vex)
    assert (outcome.code, outcome.out) == (0, ""), outcome.log
    assert "not affected by CVE-2026-1 of cpython 3.14.9: it is in a part" in outcome.log
    tag = by_tag(audit(checkout, world.osv.address, world.listing, "--json"))[PRIMARY]
    assert tag["vulnerabilities"] == []
    assert tag["notAffected"][0]["why"] == "it is in a part that does not ship"
    document = json.loads(vex.read_bytes())
    assert document["@context"] == "https://openvex.dev/ns/v0.2.0"
    assert document["timestamp"] == "2026-11-27T00:00:00Z"
    (statement,) = document["statements"]
    assert statement["vulnerability"] == {"name": "PSF-2026-7"}
    assert (statement["status"], statement["justification"]) == (
        "not_affected", "vulnerable_code_not_present",
    )  # fmt: skip
    assert statement["products"] == [
        {
            "@id": f"pkg:golang/github.com/goempy/goempy@{tag}",
            "subcomponents": [{"@id": f"pkg:generic/cpython@{python}"}],
        }
        for tag, python in ((OTHER, "3.13.17"), (PRIMARY, "3.14.9"))
    ]
    before = vex.read_bytes()
    audit(checkout, world.osv.address, world.listing, "--vex", vex)
    assert vex.read_bytes() == before


def test_a_statement_does_not_hold_for_a_tag_that_has_the_part(
    world: World, checkout: Project, tmp_path: Path
) -> None:
    world.osv.add(HEAP)
    checkout.write("vex.toml", STATEMENT.format(glob="os.py"))
    outcome = audit(checkout, world.osv.address, world.listing)
    assert outcome.code == AuditError.exit_code
    refused = audit(checkout, world.osv.address, world.listing, "--vex", tmp_path / "x.json")
    assert refused.code == UsageError.exit_code
    assert not (tmp_path / "x.json").exists()


def test_faults_of_vex_toml_are_reported_together(world: World, checkout: Project) -> None:
    twice = STATEMENT.format(glob="a") * 2
    checkout.write("vex.toml", twice)
    outcome = audit(checkout, world.osv.address, world.listing)
    assert outcome.code == ConfigError.exit_code
    assert "PSF-2026-7 of cpython appears twice" in outcome.log
    checkout.write("vex.toml", twice.replace("absent", "absence").replace("[[", "[[s", 1))
    outcome = audit(checkout, world.osv.address, world.listing)
    assert outcome.code == ConfigError.exit_code
    assert "vex.toml has 3 faults" in outcome.log


def test_tags_and_an_osv_that_are_not_there(world: World) -> None:
    outcome = world.run("v0.1.0-py3.13.71")
    assert outcome.code == UsageError.exit_code
    assert "did you mean" in outcome.log
    outcome = audit(world.site.project, "http://127.0.0.1:9", world.listing)
    assert outcome.code == DownloadError.exit_code
    assert "GOEMPY_OSV" in outcome.log


@dataclass(frozen=True)
class Reporter:
    world: World
    hosted: HostedSite

    def run(self) -> Outcome:
        self.hosted.github.requests.clear()
        database = ("--osv", self.world.osv.address, "--source", self.world.listing)
        outcome = self.hosted.run("audit", "--remote", "origin", "--issue", *database)
        assert outcome.code == 0, outcome.log
        return outcome

    @property
    def issues(self) -> list[Issue]:
        """Those that the command opened."""
        return [each for each in self.hosted.github.issues[NAME] if each.body]


@pytest.fixture
def github() -> Iterator[GitHub]:
    with serve_github() as made:
        yield made


@pytest.fixture
def reporter(world: World, github: GitHub) -> Reporter:
    # Someone labelled a pull request, too, which GitHub lists among the issues; another issue has
    # the same title.
    github.issues[NAME].append(Issue(github.number(), "Fix", "", [LABEL], kind="pull"))
    github.issues[NAME].append(Issue(github.number(), TITLE, "", []))
    return Reporter(world, hosted_site(world.site, github))


def test_one_issue_is_opened_and_kept_up_to_date(reporter: Reporter) -> None:
    assert "There is nothing to report" in reporter.run().log
    reporter.world.osv.add(TLS)
    outcome = reporter.run()
    (issue,) = reporter.issues
    assert f"Issue {issue.number} is opened: " in outcome.log
    assert (issue.state, issue.labels) == ("open", [LABEL])
    assert f"| {PRIMARY} | openssl | 3.5.4 | [CVE-2026-2](https://advisories" in issue.body
    # The same again writes nothing, also after an editor saved it.
    issue.body = issue.body.replace("\n", "\r\n")
    assert "is up to date" in reporter.run().log
    assert reporter.hosted.github.writes() == []
    reporter.world.osv.add(HEAP)
    assert f"Issue {issue.number} is updated" in reporter.run().log
    assert "CVE-2026-1" in issue.body
    assert len(reporter.issues) == 1


def test_a_lost_answer_opens_no_second_issue(reporter: Reporter) -> None:
    reporter.world.osv.add(TLS)
    path = f"POST {API}/repos/{NAME}/issues"
    reporter.hosted.github.faults[path].append(Fault(502, done=True))
    assert "is opened" in reporter.run().log
    assert len(reporter.issues) == 1


def test_it_is_closed_when_nothing_is_left(reporter: Reporter) -> None:
    reporter.world.osv.add(TLS)
    reporter.run()
    reporter.world.osv.records.clear()
    outcome = reporter.run()
    (issue,) = reporter.issues
    assert f"Issue {issue.number} is closed" in outcome.log
    assert issue.state == "closed"
    others = [each.state for each in reporter.hosted.github.issues[NAME] if each is not issue]
    assert others == ["open", "open"]
    assert "There is nothing to report" in reporter.run().log
    assert reporter.hosted.github.writes() == []


def test_one_that_someone_closed_stays_closed_until_something_else_is_found(
    reporter: Reporter,
) -> None:
    reporter.world.osv.add(TLS)
    reporter.run()
    reporter.issues[0].state = "closed"
    assert "nothing else was found" in reporter.run().log
    assert reporter.hosted.github.writes() == []
    reporter.world.osv.add(HEAP)
    reporter.run()
    assert [each.state for each in reporter.issues] == ["closed", "open"]


def test_without_a_release_there_is_nothing_to_audit(world: World, project: Project) -> None:
    """A fork's weekly job is green; a person may have a clone without tags."""
    outcome = audit(project, "http://127.0.0.1:9", world.listing, "--issue")
    assert outcome.code == 0, outcome.log
    outcome = audit(project, "http://127.0.0.1:9", world.listing)
    assert outcome.code == UsageError.exit_code
    assert "--remote" in outcome.log
