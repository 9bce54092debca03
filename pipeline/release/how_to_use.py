"""The lines that make Go take a module from a repository of this machine, before it is pushed."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from pipeline.config import tags as tag_rules
from pipeline.config.module_path import clone_address
from pipeline.release.tagging import Tagged

_NEW_MODULE = "mkdir hello && cd hello && go mod init hello"


def how_to_use(repository: Path, module: str, tagged: Sequence[Tagged]) -> list[str]:
    """Lines for a POSIX shell; ``module`` is the path in matrix.toml."""
    path = tagged[0].plan.module_path
    names = sorted((each.plan.tag for each in tagged), key=tag_rules.sort_key, reverse=True)
    address = clone_address(module)
    rows = (
        _cloned(repository, path, names, module, address)
        if address
        else _replaced(repository, path, names)
    )
    return ["To use it from Go:", "", *(f"  {row}" for row in rows), f"  go run {path}/example"]


def _cloned(
    repository: Path, path: str, names: Sequence[str], module: str, address: str
) -> Iterator[str]:
    """Git takes the repository in place of the address that Go makes of the path."""
    yield "export GIT_CONFIG_COUNT=1"
    yield f"export GIT_CONFIG_KEY_0={shlex.quote(f'url.{repository.as_uri()}.insteadOf')}"
    yield f"export GIT_CONFIG_VALUE_0={address}"
    yield f"export GOPRIVATE={module} GOFLAGS=-modcacherw"
    yield f"export GOMODCACHE={shlex.quote(str(repository.parent / 'gomodcache'))}"
    yield _NEW_MODULE
    newest, *others = names
    for name in (newest, *reversed(others)):
        yield f"go get {path}@{name}"


def _replaced(repository: Path, path: str, names: Sequence[str]) -> Iterator[str]:
    """Where Go would ask the host for the repository's address, it takes files of the tags."""
    yield _NEW_MODULE
    for name in names:
        folder = repository.parent / "modules" / name
        place, source = shlex.quote(str(folder)), shlex.quote(str(repository))
        yield f"mkdir -p {place} && git -C {source} archive {name} | tar -x -C {place}"
        yield f"go mod edit -replace {path}@{name}={place}"
        yield f"go get {path}@{name}"
