"""A tag is rebuilt from its assets: the same commit, or the list of what differs."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pipeline.system.errors import AttestationError, GitError, ToolError, UsageError, VerifyError
from pipeline.system.git import Git
from tests.builders.site import LINES, Site, asset, full_archives, make_site
from tests.fakes import gh_cli as fake_gh
from tests.harness.project import REPOSITORY, Outcome, Project, git, make_project

TAG = "v0.1.0"
OLDER = "v0.1.0-py3.13.17"
DATA = "python/internal/data"


def verify(site: Site, tag: str = TAG, *more: str | Path) -> Outcome:
    return site.project.run(
        "verify", tag, "--repo", site.repository, "--source", site.assets, *more
    )


def commit_all(project: Project, message: str = "More") -> None:
    project.git("add", "--all", "--force")
    project.git("commit", "--quiet", f"--message={message}")


def verified_site(folder: Path, prepare: Callable[[Project], None] = lambda _: None) -> Site:
    """A release; ``prepare`` may change the project before its source is committed."""
    site = make_site(folder, archives=full_archives())
    # The pipeline and the Go module are in the source commit, as in the real repository.
    ignored = shutil.ignore_patterns("__pycache__", "*.pyc")
    shutil.copytree(REPOSITORY / "pipeline", site.project.root / "pipeline", ignore=ignored)
    prepare(site.project)
    commit_all(site.project)
    site.release()
    site.forget_payloads()
    return site


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """For tests that change nothing."""
    return verified_site(tmp_path_factory.mktemp("released"))


@pytest.fixture
def site(released: Site, tmp_path: Path) -> Site:
    """A copy, for tests that do."""
    project = shutil.copytree(released.project.root, tmp_path / "project")
    copy = Site(Project(project), tmp_path)
    shutil.copytree(released.repository, copy.repository)
    shutil.copytree(released.assets, copy.assets)
    return copy


@dataclass(frozen=True)
class Forger:
    """Rewrites a tag, by default with the same parent, author, date and message."""

    site: Site
    folder: Path

    def forge(
        self,
        change: Callable[[Path], object] = lambda _tree: None,
        commit: Callable[[str], str] = lambda text: text,
    ) -> str:
        """Change the files of the tag, and what git stores as its commit; returns its new id."""
        tree = self.folder / "forged"
        git(self.folder, "clone", "--quiet", str(self.site.repository), str(tree))
        git(tree, "checkout", "--quiet", "--detach", TAG)
        change(tree)
        git(tree, "add", "--all", "--force")
        text = git(tree, "cat-file", "commit", TAG)
        old = git(tree, "rev-parse", f"{TAG}^{{tree}}").strip()
        new = git(tree, "write-tree").strip()
        stored = self.folder / "commit"
        stored.write_text(commit(text.replace(old, new)))
        made = git(tree, "hash-object", "-t", "commit", "-w", str(stored)).strip()
        git(tree, "push", "--quiet", "--force", "origin", f"{made}:refs/tags/{TAG}")
        return made


@pytest.fixture
def forger(site: Site, tmp_path: Path) -> Forger:
    return Forger(site, tmp_path)


@pytest.mark.parametrize("tag", [TAG, OLDER])
def test_a_tag_is_reproduced(released: Site, tag: str) -> None:
    outcome = verify(released, tag)
    assert outcome.code == 0, outcome.log
    commit = git(released.repository, "rev-parse", tag).strip()
    files = len(git(released.repository, "ls-tree", "-r", "--name-only", tag).splitlines())
    assert outcome.out == f"{tag} is reproduced: commit {commit}, {files} files, from 2 assets\n"
    assert "warning" not in outcome.log


def test_what_an_earlier_run_compressed_is_not_taken(released: Site) -> None:
    blobs = [*(released.project.root.parent / "cache" / "blobs").iterdir()]
    assert blobs
    for path in blobs:
        path.write_bytes(b"damaged")
    outcome = verify(released)
    assert outcome.code == 0, outcome.log
    assert {path.read_bytes() for path in blobs} == {b"damaged"}
    assert "warning" not in outcome.log


def test_nothing_is_left_and_the_repository_is_untouched(released: Site) -> None:
    before = sorted(path.name for path in released.repository.rglob("*"))
    beside = sorted(path.name for path in released.folder.iterdir())
    assert verify(released).code == 0
    assert sorted(path.name for path in released.repository.rglob("*")) == before
    assert sorted(path.name for path in released.folder.iterdir()) == beside


def test_it_takes_the_files_of_the_tag_s_source_and_not_those_of_the_work_tree(site: Site) -> None:
    site.project.write("matrix.toml", "nonsense")
    site.project.write("VERSION", "7.0.0\n")
    site.project.write("PRIMARY_PYTHON", "3.99\n")
    site.project.write("matrix.lock", "nonsense")
    shutil.rmtree(site.project.root / "pipeline" / "gomodule")
    commit_all(site.project)
    assert verify(site).code == 0
    # Also where the tag is in the checkout itself.
    site.project.git("fetch", "--quiet", str(site.repository), "refs/tags/*:refs/tags/*")
    outcome = site.project.run("verify", OLDER, "--source", site.assets)
    assert outcome.code == 0, outcome.log


def test_what_is_built_can_be_kept(site: Site, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    (out / "3.14.9" / "linux-amd64").mkdir(parents=True)
    (out / "3.14.9" / "linux-amd64" / "files.json").write_text("what an earlier run left")
    assert verify(site, TAG, "--out", out).code == 0
    kept = sorted(path.relative_to(out).as_posix() for path in out.glob("*/*"))
    assert kept == ["3.14.9/linux-amd64", "3.14.9/windows-amd64"]
    assert [path.name for path in out.iterdir()] == ["3.14.9"]


def blob_in(folder: str) -> Callable[[Path], Path]:
    """The largest blob of a folder of the payloads."""

    def find(tree: Path) -> Path:
        blobs = [path for path in (tree / DATA / folder).iterdir() if path.name != "files.json"]
        return max(blobs, key=lambda path: (path.stat().st_size, path.name))

    return find


def assert_differs(outcome: Outcome, *rows: str) -> None:
    assert outcome.code == VerifyError.exit_code, outcome.log
    assert f"error: the rebuild of {TAG} differs in {len(rows)} file" in outcome.log
    found = [row for row in outcome.out.splitlines() if not row.startswith("  ")]
    assert len(found) == len(rows)
    for row, beginning in zip(found, rows, strict=True):
        assert row.startswith(beginning)


@pytest.mark.parametrize("folder", ["linux-amd64", "common"])
def test_another_blob(site: Site, forger: Forger, folder: str) -> None:
    def change(tree: Path) -> None:
        blob_in(folder)(tree).write_bytes(b"not a blob")

    before = blob_in(folder)(tree_of(site, forger.folder / "before"))
    forger.forge(change)
    outcome = verify(site)
    assert_differs(outcome, f"differs: {DATA}/{folder}/{before.name}: tag 10 bytes, ")
    assert f"rebuild {before.stat().st_size} bytes, " in outcome.out
    assert "built by different code" not in outcome.log


def tree_of(site: Site, folder: Path, tag: str = TAG) -> Path:
    """The files of a tag."""
    git(site.repository.parent, "clone", "--quiet", "--branch", tag, str(site.repository),
        str(folder))  # fmt: skip
    return folder


def test_a_changed_manifest_entry(site: Site, forger: Forger) -> None:
    def change(tree: Path) -> None:
        path = tree / DATA / "linux-amd64" / "files.json"
        old = '"name":"lib/python3.14/os.py","perm":420'
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, old.replace("420", "511")))

    forger.forge(change)
    outcome = verify(site)
    assert_differs(outcome, f"differs: {DATA}/linux-amd64/files.json: tag ")
    assert "\n  entry lib/python3.14/os.py: perm 511 -> 420\n" in outcome.out


def test_an_extra_file_a_missing_one_and_a_changed_go_file(site: Site, forger: Forger) -> None:
    def change(tree: Path) -> None:
        (tree / "python" / "init.go").write_text("package python\n")
        (tree / "LICENSE").unlink()
        with (tree / "python" / "python.go").open("a") as file:
            file.write("// more\n")

    forger.forge(change)
    outcome = verify(site)
    assert_differs(
        outcome,
        "only in the rebuild: LICENSE (",
        "only in the tag: python/init.go (15 bytes, ",
        "differs: python/python.go: tag ",
    )
    assert "1 only in the tag, 1 only in the rebuild, 1 with other content" in outcome.log


def test_a_link_and_a_program_in_the_tag(site: Site, forger: Forger) -> None:
    def change(tree: Path) -> None:
        (tree / "passwords").symlink_to("/etc/passwd")
        (tree / "go.mod").chmod(0o755)

    forger.forge(change)
    outcome = verify(site)
    assert_differs(outcome, "differs: go.mod: tag ", "only in the tag: passwords (11 bytes, ")
    assert "mode 120000" in outcome.out
    assert "mode 100755" in outcome.out


def test_the_same_files_by_another_author(site: Site, forger: Forger) -> None:
    commit = forger.forge(commit=lambda text: text.replace("author A Tester", "author Mallory"))
    outcome = verify(site)
    assert outcome.code == 0, outcome.log
    assert outcome.out.startswith("author: tag Mallory <tester@example.com> 1700000000 +0100, ")
    assert f"the files of {TAG} are reproduced: tree " in outcome.out
    assert f"warning: {TAG} is commit {commit}, the rebuild is commit " in outcome.log


def test_the_same_files_with_another_message(site: Site, forger: Forger) -> None:
    forger.forge(commit=lambda text: f"{text}\nReviewed-by: Mallory\n")
    outcome = verify(site)
    assert outcome.code == 0, outcome.log
    assert "message: only in the tag: Reviewed-by: Mallory" in outcome.out


def test_some_platforms_need_only_their_assets(site: Site) -> None:
    (site.assets / asset("3.14.9", "windows-amd64")).unlink()
    outcome = verify(site, TAG, "--only-platforms", "linux/amd64")
    assert outcome.code == 0, outcome.log
    names = git(site.repository, "ls-tree", "-r", "--name-only", TAG).splitlines()
    mine = [name for name in names if name.startswith((f"{DATA}/linux-amd64/", f"{DATA}/common/"))]
    assert outcome.out == (
        f"{TAG} is reproduced for linux-amd64: {len(mine)} of its {len(names)} files, from "
        "1 asset; the others were not compared\n"
    )


def test_what_platforms_share_is_counted_once(released: Site) -> None:
    outcome = verify(released, TAG, "--only-platforms", "linux/amd64,windows/amd64")
    assert outcome.code == 0, outcome.log
    names = git(released.repository, "ls-tree", "-r", "--name-only", TAG).splitlines()
    folders = ("linux-amd64", "windows-amd64", "common")
    mine = [n for n in names if n.startswith(tuple(f"{DATA}/{each}/" for each in folders))]
    assert f": {len(mine)} of its {len(names)} files, " in outcome.out


def test_some_platforms_see_what_is_theirs_and_not_what_is_not(site: Site, forger: Forger) -> None:
    shared: list[str] = []

    def change(tree: Path) -> None:
        blob_in("windows-amd64")(tree).write_bytes(b"other")
        (tree / "LICENSE").unlink()
        blob = blob_in("common")(tree)
        blob.write_bytes(b"another")
        (tree / DATA / "linux-amd64" / "more").write_bytes(b"more")
        shared.append(blob.name)
        (tree / DATA / "common" / ".gitattributes").write_bytes(b"* text\n")

    forger.forge(change)
    outcome = verify(site, TAG, "--only-platforms", "linux/amd64")
    rows = [
        f"differs: {DATA}/common/.gitattributes: tag 7 bytes, ",
        f"differs: {DATA}/linux-amd64/{shared[0]}: tag 7 bytes, ",
        f"only in the tag: {DATA}/linux-amd64/more (4 bytes, ",
    ]
    assert_differs(outcome, *sorted(rows, key=lambda row: row.split(f"{DATA}/")[1]))
    outcome = verify(site, TAG, "--only-platforms", "windows-amd64")
    assert outcome.code == VerifyError.exit_code
    assert outcome.out.count("differs: ") == 3


def test_a_platform_that_the_tag_does_not_have(released: Site) -> None:
    outcome = verify(released, TAG, "--only-platforms", "darwin/arm64")
    assert outcome.code == UsageError.exit_code
    assert "no platform 'darwin/arm64'" in outcome.log


def test_a_tag_that_does_not_exist(released: Site) -> None:
    outcome = verify(released, "v0.1.0-py3.13.71")
    assert outcome.code == UsageError.exit_code
    assert f"no tag 'v0.1.0-py3.13.71'; did you mean '{OLDER}'?" in outcome.log


def test_a_tag_that_was_moved_to_another_release(site: Site) -> None:
    git(site.repository, "update-ref", f"refs/tags/{TAG}", f"refs/tags/{OLDER}")
    outcome = verify(site)
    assert outcome.code == VerifyError.exit_code
    assert f"{TAG} names the commit that was released as {OLDER}" in outcome.log


def test_a_tag_that_is_no_release(site: Site) -> None:
    git(site.repository, "tag", "v0.7.0", "main")
    outcome = verify(site, "v0.7.0")
    assert outcome.code == VerifyError.exit_code
    assert "v0.7.0 is not a release that goempy made" in outcome.log


@pytest.mark.skipif(sys.platform != "linux", reason="--local packs Linux interpreters")
def test_a_tag_of_a_machine_s_interpreter_which_nobody_attests(
    project: Project, tmp_path: Path
) -> None:
    attesting(project)
    commit_all(project)
    outcome = project.run("release", "--local", "--out", tmp_path / "dist")
    assert outcome.code == 0, outcome.log
    outcome = project.run("verify", TAG, "--repo", tmp_path / "dist" / "release.git")
    assert outcome.code == VerifyError.exit_code
    assert "was made from interpreters of a machine" in outcome.log


def test_a_tag_of_files_that_were_never_committed(tmp_path: Path) -> None:
    site = make_site(tmp_path, archives=full_archives())
    site.project.write("VERSION", "0.2.0\n")
    site.release()
    outcome = verify(site, "v0.2.0")
    assert outcome.code == VerifyError.exit_code
    assert "VERSION is 0.1.0 there, and 0.2.0 in the tag" in outcome.log


def test_a_source_commit_that_this_code_cannot_read(tmp_path: Path) -> None:
    project = make_project(tmp_path, *LINES)
    good = (project.root / "matrix.toml").read_text("utf-8")
    project.write("matrix.toml", f'of_tomorrow = "yes"\n{good}')
    commit_all(project)
    project.write("matrix.toml", good)
    site = Site(project, tmp_path)
    site.lock_assets(full_archives())
    site.release()
    outcome = verify(site)
    assert outcome.code == VerifyError.exit_code
    assert "unknown key" in outcome.log
    source = project.git("rev-parse", "HEAD").strip()
    assert f"Check out {source} and run its own goempy." in outcome.log


def test_a_project_that_has_no_go_module_of_its_own(tmp_path: Path) -> None:
    """goempy may be installed; the module is then the installed one's."""
    site = make_site(tmp_path, archives=full_archives())
    site.release()
    outcome = verify(site)
    assert outcome.code == 0, outcome.log
    assert "has no pipeline/gomodule/; using that of this goempy" in outcome.log
    forger = Forger(site, tmp_path)
    forger.forge(lambda tree: (tree / "LICENSE").unlink())
    assert "has no code of goempy" in verify(site).log


def test_another_module_path_and_major_version(tmp_path: Path) -> None:
    site = make_site(tmp_path, archives=full_archives(), version="2.0.0")
    site.release("--only-platforms", "linux/amd64", "--module", "github.com/acme/snakes")
    outcome = verify(site, "v2.0.0")
    assert outcome.code == 0, outcome.log
    assert "module github.com/acme/snakes/v2, as --module makes it" in outcome.log


def test_a_go_file_that_the_source_has_otherwise_and_code_that_is_not_the_source_s(
    tmp_path: Path,
) -> None:
    """The rebuild has the module of the source commit; what runs here made the tag's."""

    def prepare(project: Project) -> None:
        for name in ("gomodule/python/doc.go", "config/tags.py"):
            with (project.root / "pipeline" / name).open("a") as file:
                file.write("\n")

    site = verified_site(tmp_path, prepare)
    outcome = verify(site)
    assert_differs(outcome, "differs: python/doc.go: tag ")
    source = site.project.git("rev-parse", "HEAD").strip()
    assert f"{TAG} was built by different code: check out {source}" in outcome.log


def test_a_clone_without_the_source(site: Site, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    git(tmp_path, "init", "--quiet", str(shallow))
    git(shallow, "fetch", "--quiet", "--depth=1", f"file://{site.repository}",
        f"refs/tags/{TAG}:refs/tags/{TAG}")  # fmt: skip
    outcome = site.project.run("verify", TAG, "--repo", shallow, "--source", site.assets)
    assert outcome.code == GitError.exit_code
    assert "git fetch --unshallow" in outcome.log


def test_what_stands_in_for_a_commit_in_one_clone_is_not_believed(
    site: Site, forger: Forger
) -> None:
    good = git(site.repository, "rev-parse", TAG).strip()
    bad = forger.forge(lambda tree: (tree / "LICENSE").unlink())
    git(site.repository, "replace", bad, good)
    assert_differs(verify(site), "only in the rebuild: LICENSE (")


def test_contents_are_read_in_order_and_a_missing_one_is_reported(released: Site) -> None:
    repo = Git(released.repository, {"PATH": os.environ["PATH"], "HOME": str(released.assets)})
    files = repo.files(TAG)
    ids = [file.id for file in files]
    assert [len(data) for data in repo.read_blobs(ids)] == [file.size_bytes for file in files]
    with pytest.raises(GitError, match="lacks blob 0000"):
        list(repo.read_blobs([ids[0], "0" * 40]))


def test_no_repository(released: Site, tmp_path: Path) -> None:
    outcome = released.project.run("verify", TAG, "--repo", tmp_path)
    assert outcome.code == GitError.exit_code
    assert "is not a usable git repository" in outcome.log


def attesting(project: Project) -> None:
    text = (project.root / "matrix.toml").read_text("utf-8")
    project.write("matrix.toml", f"attest = true\n{text}")


CELL = "3.14.9/linux-amd64"


def build(site: Site, out: Path, env: dict[str, str]) -> Outcome:
    return site.project.run("build", CELL, "--source", site.assets, "--out", out, env=env)


def test_who_built_an_asset_stands_in_its_payload(site: Site, tmp_path: Path) -> None:
    attesting(site.project)
    outcome = build(site, tmp_path / "out", {**fake_gh.install(tmp_path / "bin")})
    assert outcome.code == 0, outcome.log
    text = (tmp_path / "out" / CELL / "files.json").read_text("utf-8")
    assert json.loads(text)["python"]["attestation"] == fake_gh.SIGNER
    (call,) = fake_gh.calls(tmp_path / "bin")
    assert call[2].endswith(asset("3.14.9", "linux-amd64"))
    assert call[4] == fake_gh.PBS


def test_without_attest_nobody_asks(site: Site, tmp_path: Path) -> None:
    outcome = build(site, tmp_path / "out", {**fake_gh.install(tmp_path / "bin", refused=("*",))})
    assert outcome.code == 0, outcome.log
    assert fake_gh.calls(tmp_path / "bin") == []


def test_an_asset_without_proof_is_not_unpacked(site: Site, tmp_path: Path) -> None:
    attesting(site.project)
    outcome = build(site, tmp_path / "out", {**fake_gh.install(tmp_path / "bin", refused=("*",))})
    assert outcome.code == AttestationError.exit_code
    assert f"error: {CELL}: {asset('3.14.9', 'linux-amd64')}: no proof that" in outcome.log
    assert list((tmp_path / "out").rglob("files.json")) == []


def test_no_gh_is_reported_with_what_to_do(site: Site, tmp_path: Path) -> None:
    attesting(site.project)
    (tmp_path / "bin").mkdir()
    outcome = build(site, tmp_path / "out", {"PATH": str(tmp_path / "bin")})
    assert outcome.code == ToolError.exit_code
    assert "Install gh" in outcome.log
    assert "attest = false" in outcome.log


def test_a_tag_of_attested_assets_is_reproduced(site: Site, tmp_path: Path) -> None:
    attesting(site.project)
    commit_all(site.project)
    env = {**fake_gh.install(tmp_path / "bin")}
    outcome = site.project.run(
        "release", "--source", site.assets, "--out", tmp_path / "attested",
        "--only-platforms", "linux/amd64", env=env,
    )  # fmt: skip
    assert outcome.code == 0, outcome.log
    verify = (
        "verify", TAG, "--repo", tmp_path / "attested" / "release.git", "--source", site.assets
    )  # fmt: skip
    assert site.project.run(*verify, env=env).code == 0
    other = {**fake_gh.install(tmp_path / "other", fake_gh.result(signer="https://example.com/x"))}
    outcome = site.project.run(*verify, env=other)
    assert outcome.code == VerifyError.exit_code
    assert f'  python.attestation: "{fake_gh.SIGNER}" -> "https://example.com/x"' in outcome.out


def test_assets_can_be_verified_by_hand(released: Site, tmp_path: Path) -> None:
    env = {**fake_gh.install(tmp_path / "bin")}
    outcome = released.project.run(
        "verify-asset", CELL, "3.13.17/windows-amd64", "--source", released.assets, env=env
    )
    assert outcome.code == 0, outcome.log
    rows = [row.split() for row in outcome.out.splitlines()[1:]]
    found = [fake_gh.SIGNER, fake_gh.COMMIT, fake_gh.RUN]
    assert rows == [
        [CELL, asset("3.14.9", "linux-amd64"), *found],
        ["3.13.17/windows-amd64", asset("3.13.17", "windows-amd64"), *found],
    ]


def test_every_asset_is_looked_at_though_one_is_not_proven(released: Site, tmp_path: Path) -> None:
    data = (released.assets / asset("3.14.9", "linux-amd64")).read_bytes()
    refused = hashlib.sha256(data).hexdigest()
    env = {**fake_gh.install(tmp_path / "bin", refused=(refused,))}
    cells = (CELL, "3.14.9/windows-amd64")
    outcome = released.project.run("verify-asset", *cells, "--source", released.assets, env=env)
    assert outcome.code == AttestationError.exit_code
    assert f"error: {CELL}: " in outcome.log
    assert [row.split()[0] for row in outcome.out.splitlines()[1:]] == ["3.14.9/windows-amd64"]
    env = {**fake_gh.install(tmp_path / "bin", refused=("*",))}
    outcome = released.project.run("verify-asset", *cells, "--source", released.assets, env=env)
    assert outcome.code == AttestationError.exit_code
    assert "2 of 2 assets are not proven" in outcome.log
    assert all(f"  - {cell}: " in outcome.log for cell in cells)


def test_assets_of_unknown_cells(released: Site) -> None:
    outcome = released.project.run("verify-asset", "3.14.9/linux-amd46", "pip")
    assert outcome.code == UsageError.exit_code
    assert f"no cell '3.14.9/linux-amd46'; did you mean '{CELL}'?" in outcome.log
    assert "no cell 'pip'" in outcome.log
