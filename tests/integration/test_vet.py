"""The analyzers of ``go vet`` for other systems, on packages with known faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.harness.go import GOFLAGS, Go
from tests.harness.vet import Vet

GOOD = 'package p\n\nimport "fmt"\n\nfunc F() { fmt.Printf("%d", 1) }\n'
WINDOWS = ("windows", "arm64")


def faults(vet: Vet, folder: Path, files: dict[str, str], tags: str = "") -> str:
    (folder / "go.mod").write_text("module example.com/p\n\ngo 1.24\n")
    for name, text in files.items():
        (folder / name).write_text(text)
    env = {"GOFLAGS": f"{GOFLAGS} -tags={tags}"}
    return vet.faults(Go(folder / "modcache"), "./...", cwd=folder, system=WINDOWS, env=env)


@pytest.mark.parametrize(
    ("name", "text", "fault"),
    [
        ("p_windows.go", GOOD, ""),
        ("p_windows.go", GOOD.replace("%d", "%s"), "Printf format %s has arg 1 of wrong type int"),
        ("p_arm64.go", GOOD.replace("1)", "nonsense)"), "undefined: nonsense"),
        ("p_arm64.go", GOOD.replace("Printf", "Nonsense"), "undefined: fmt.Nonsense"),
        ("p_test.go", GOOD.replace("fmt.", "syscall.Getuid(); fmt."), "undefined: syscall"),
    ],
)
def test_faults_in_files_of_the_system_are_found(
    vet: Vet, tmp_path: Path, name: str, text: str, fault: str
) -> None:
    found = faults(vet, tmp_path, {"other.go": "package p\n", name: text})
    assert fault in found
    assert bool(found) == bool(fault)


def test_what_is_known_of_a_function_holds_for_those_who_call_it(vet: Vet, tmp_path: Path) -> None:
    (tmp_path / "log").mkdir()
    say = "func Say(f string, args ...any) { fmt.Printf(f, args...) }"
    (tmp_path / "log" / "log.go").write_text(f'package log\n\nimport "fmt"\n\n{say}\n')
    text = 'package p\n\nimport "example.com/p/log"\n\nfunc F() { log.Say("%d", "one") }\n'
    found = faults(vet, tmp_path, {"p.go": text})
    assert "log.Say format %d has arg" in found


def test_files_of_other_systems_and_of_tags_that_are_not_set_are_left_out(
    vet: Vet, tmp_path: Path
) -> None:
    files = {"p.go": GOOD, "p_linux.go": "package p\n\nvar x int = y\n"}
    files["tagged.go"] = "//go:build chosen\n\npackage p\n\nvar x int = z\n"
    assert faults(vet, tmp_path, files) == ""
    found = faults(vet, tmp_path, files, tags="chosen")
    assert "undefined: z" in found
    assert "undefined: y" not in found
