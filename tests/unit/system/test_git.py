"""Failures of git, by what they mean."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.system.errors import DownloadError, GitError
from pipeline.system.git import Git


def test_a_host_that_is_not_found_is_no_fault_of_the_repository(tmp_path: Path) -> None:
    repo = Git(tmp_path, {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    with pytest.raises(DownloadError, match=r"nowhere\.invalid"):
        repo.call("ls-remote", "https://nowhere.invalid/x.git")
    with pytest.raises(GitError):
        repo.call("ls-remote", str(tmp_path / "nothing.git"))
