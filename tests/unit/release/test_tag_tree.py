"""What a tag contains."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.release.tag_index import known_tags
from pipeline.system.errors import PayloadError, UsageError
from pipeline.system.git import Git
from tests.builders.payloads import pack_files
from tests.harness.project import Project


def test_what_a_tag_contains(project: Project, tmp_path: Path) -> None:
    data = "python/internal/data"
    project.write("go.mod", "module example.com/m/v2\n\ngo 1.24\n")
    pack_files(project.root / data / "linux-amd64", {"a.py": b"a" * 99, "b.py": b"b" * 99})
    pack_files(project.root / "pip/internal/data/pip", {"pip.py": b"pip"})
    blobs = sorted((project.root / data / "linux-amd64").glob("*.zst"))
    (project.root / data / "common").mkdir()
    blobs[0].rename(project.root / data / "common" / blobs[0].name)
    (project.root / "link").symlink_to("go.mod")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=Payloads")
    project.git("tag", "v2.0.0")
    index = known_tags(Git(project.root, {"PATH": os.environ["PATH"]}), scratch=tmp_path)
    contents = index.trees(["v2.0.0"])["v2.0.0"].contents()
    assert (contents.tag, contents.module) == ("v2.0.0", "example.com/m/v2")
    assert list(contents.payloads) == ["linux-amd64"]
    payload = contents.payloads["linux-amd64"]
    assert [blob.name for blob in payload.blobs] == [path.name for path in blobs]
    assert contents.pip is not None
    assert [entry.name for entry in contents.pip.manifest.entries] == ["pip.py"]
    paths = {file.path for file in contents.files}
    assert "go.mod" in paths
    assert "link" not in paths
    # A blob that is missing.
    project.git("rm", "--quiet", f"{data}/common/{blobs[0].name}")
    project.git("commit", "--quiet", "--message=Broken")
    project.git("tag", "v2.0.1")
    index = known_tags(index.repo)
    with pytest.raises(PayloadError, match=r"linux-amd64 is incomplete") as caught:
        index.trees(["v2.0.1"])["v2.0.1"].contents()
    assert caught.value.details == (f"blob {blobs[0].name} is missing",)


@pytest.mark.parametrize("has_go_mod", [True, False])
def test_a_tag_without_payloads_is_not_a_release(
    project: Project,
    has_go_mod: bool,  # noqa: FBT001
) -> None:
    if has_go_mod:
        project.write("go.mod", "module example.com/other\n")
    (project.root / "none").mkdir()
    project.write("none/files.json", "{}\n")
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message=No payloads")
    project.git("tag", "v0.0.1")
    tree = known_tags(Git(project.root, {"PATH": os.environ["PATH"]})).trees(["v0.0.1"])["v0.0.1"]
    assert tree.parts == ()
    with pytest.raises(UsageError, match=r"v0\.0\.1 is not a release: it contains no payloads"):
        tree.contents()
