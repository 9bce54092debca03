"""``matrix.toml``: what it means, and that all its faults are reported at once."""

from __future__ import annotations

import pytest

from pipeline.config.cells import all_cells
from pipeline.config.matrix import parse_matrix
from pipeline.config.model import FREE_THREADED
from pipeline.system.errors import ConfigError
from tests.harness.project import FIVE_PLATFORMS, REPOSITORY, Line, matrix_text


def faults_of(text: str) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        parse_matrix(text)
    return caught.value.details


def test_the_repository_s_own_matrix() -> None:
    matrix = parse_matrix((REPOSITORY / "matrix.toml").read_text("utf-8"))
    assert [(line.name, line.pbs) for line in matrix.lines] == [
        ("3.15.1", "20261021"),
        ("3.14.9", "20261021"),
        ("3.15.1t", "20261021"),
        ("3.14.9t", "20261021"),
        ("3.13.17", "20261021"),
        ("3.12.15", "20261021"),
        ("3.11.17", "20261021"),
        ("3.10.22", "20261009"),
    ]
    assert [platform.name for platform in matrix.platforms if platform.enabled] == [
        *FIVE_PLATFORMS, "windows-arm64", "linux-amd64-musl", "linux-arm64-musl", "linux-amd64-v3",
    ]  # fmt: skip
    assert {platform.name for platform in matrix.platforms if not platform.enabled} == {
        "linux-amd64-v2", "linux-amd64-v4", "linux-armv7", "linux-ppc64le", "linux-riscv64",
        "linux-s390x", "windows-386",
    }  # fmt: skip
    # 3.10 has no Windows on ARM.
    assert len(all_cells(matrix)) == 8 * 9 - 1
    assert (matrix.payload.codec, matrix.payload.level, matrix.payload.layout) == (
        "zstd", 19, "blobs",
    )  # fmt: skip
    assert [wheel.name for wheel in matrix.wheels] == ["packaging", "pip", "setuptools", "wheel"]


def test_a_line_can_name_its_platforms_and_variant() -> None:
    more = 'variant = "freethreaded"\nplatforms = ["linux-amd64"]'
    matrix = parse_matrix(matrix_text(Line(), Line(more=more)))
    assert matrix.lines[1].variant == FREE_THREADED
    names = [cell.name for cell in all_cells(matrix)]
    assert names[-1] == "3.14.9t/linux-amd64"
    assert len(names) == 6


def test_all_faults_are_told_together_with_their_places() -> None:
    text = matrix_text(Line(python="3.14"), Line(pbs="latest", more='vairant = "freethreaded"'))
    text = text.replace('goos = "windows"', 'goos = "win"', 1).replace("level = 3", "level = 99")
    rows = text.splitlines()
    faults = faults_of(text)
    assert len(faults) == 5
    found = dict(fault.split(", ", 1) for fault in faults)

    def place(row: str) -> str:
        return f"line {rows.index(row) + 1}"

    assert "line[1].python: '3.14' is not a CPython version" in found[place('python = "3.14"')]
    assert found[place('pbs = "latest"')].startswith("line[2].pbs: ")
    assert found[place('vairant = "freethreaded"')] == (
        "line[2].vairant: unknown key; did you mean 'variant'?"
    )
    assert found[place('goos = "win"')].startswith("platform[5].goos: ")
    assert found[place("level = 99")].startswith("payload.level: ")


def test_an_unknown_key_unlike_any_other_is_told_what_there_is() -> None:
    assert (
        "unknown key; known: bytecode, codec, common_bytecode, layout, level"
        in faults_of(matrix_text(Line()) + "\nzzz = 1\n")[0]
    )


@pytest.mark.parametrize("table", ["line", "platform"])
def test_a_matrix_without_lines_or_platforms_is_refused(table: str) -> None:
    text = matrix_text(Line())
    text = text.replace(f"[[{table}]]", f"[[x{table}]]")
    assert any(f"'{table}' is missing" in fault for fault in faults_of(text))


def test_two_lines_that_would_be_one_tag() -> None:
    (fault,) = faults_of(matrix_text(Line(), Line(pbs="20261009")))
    assert "3.14.9 appears 2 times" in fault


def test_two_platforms_that_go_could_not_tell_apart() -> None:
    text = matrix_text(Line()).replace('goarch = "arm64"', 'goarch = "amd64"', 1)
    (fault,) = faults_of(text)
    assert "linux/amd64 appears 2 times: Go could not choose between them" in fault


@pytest.mark.parametrize("name", ["aarch64", "loongarch64", "x86_64"])
def test_an_architecture_that_go_calls_otherwise(name: str) -> None:
    text = matrix_text(Line()).replace('goarch = "arm64"', f'goarch = "{name}"', 1)
    (fault,) = faults_of(text)
    assert f"/{name}; with " in fault
    assert "arm64" in fault


def test_only_amd64_has_levels() -> None:
    text = matrix_text(Line()).replace('goarch = "arm64"', 'goarch = "arm64"\ngoamd64 = "v3"', 1)
    (fault,) = faults_of(text)
    assert "only amd64 has levels, and goarch is arm64" in fault


def test_a_platform_twice() -> None:
    text = matrix_text(Line()).replace('name = "linux-arm64"', 'name = "linux-amd64"')
    assert any("linux-amd64 appears 2 times" in fault for fault in faults_of(text))


def test_a_line_with_an_unknown_platform() -> None:
    (fault,) = faults_of(matrix_text(Line(more='platforms = ["linux-amd46"]')))
    assert "no platform 'linux-amd46'; did you mean 'linux-amd64'?" in fault


def test_a_misspelt_key_hides_no_other_fault() -> None:
    faults = faults_of(matrix_text(Line(more="pythn = 1"), Line(pbs="20261009")))
    assert len(faults) == 2
    assert "did you mean 'python'?" in faults[0]
    assert "3.14.9 appears 2 times" in faults[1]


def test_a_fault_in_a_drop_rule_has_its_place() -> None:
    text = matrix_text(Line()).replace('reason = "Python 2 converter"', "reason = 3")
    (fault,) = faults_of(text)
    row = text.splitlines().index("reason = 3") + 1
    assert fault.startswith(f"line {row}, trim.drop[5].reason: ")


def test_a_line_on_no_platform() -> None:
    (fault,) = faults_of(matrix_text(Line(more="platforms = []")))
    assert "line[1].platforms" in fault


def test_a_part_that_ships_needs_those_that_it_is_of_no_use_without() -> None:
    text = matrix_text(Line())
    on = text.replace('name = "tkinter"\nship = false', 'name = "tkinter"\nship = true')
    (fault,) = faults_of(on)
    assert "trim.part[2].ship: tkinter does not work without tcl" in fault
    tcl = on.replace(
        'name = "tcl"        # Tcl and Tk: libraries and scripts\nship = false',
        'name = "tcl"\nship = true',
    )
    assert {p.name for p in parse_matrix(tcl).trim.parts if p.ship} == {"tcl", "tkinter"}


def test_a_part_twice() -> None:
    text = matrix_text(Line()).replace('name = "turtle"', 'name = "idle"')
    assert any("idle appears 2 times" in fault for fault in faults_of(text))


@pytest.mark.parametrize("minor", ["3", "3.11.4", "eleven"])
def test_since_is_a_minor_version(minor: str) -> None:
    text = matrix_text(Line()).replace('since = "3.11"', f'since = "{minor}"')
    (fault,) = faults_of(text)
    assert "is not a CPython version" in fault


def test_a_line_has_its_own_choice_of_bytecode() -> None:
    matrix = parse_matrix(matrix_text(Line(more='bytecode = "all"'), Line("3.13.17")))
    assert [line.bytecode for line in matrix.lines] == ["all", None]
    (fault,) = faults_of(matrix_text(Line(more='bytecode = "some"')))
    assert "line[1].bytecode" in fault


@pytest.mark.parametrize("name", ["common", "pip"])
def test_names_that_a_tag_uses_itself(name: str) -> None:
    text = matrix_text(Line()).replace('name = "linux-amd64"', f'name = "{name}"')
    assert any("a directory that every tag has" in fault for fault in faults_of(text))


@pytest.mark.parametrize("path", ["goempy", "github.com/a/b/v2", "https://github.com/a/b", "A.b/c"])
def test_what_is_no_module_path(path: str) -> None:
    text = matrix_text(Line()).replace("github.com/goempy/goempy", path)
    assert any("is not a Go module path" in fault for fault in faults_of(text))


def test_broken_toml_names_its_place() -> None:
    with pytest.raises(ConfigError, match=r"matrix.toml: .*line 1"):
        parse_matrix("module = \n")


PIP = f'[pip.tool]\nversion = "1.0"\nsha256 = "{"0" * 64}"\n'


def test_wheels_are_sorted_by_the_names_of_their_tables() -> None:
    text = f"{matrix_text(Line())}\n{PIP.replace('tool', 'z')}{PIP}"
    assert [(wheel.name, wheel.version) for wheel in parse_matrix(text).wheels] == [
        ("tool", "1.0"), ("z", "1.0"),
    ]  # fmt: skip


def test_the_name_of_a_wheel_is_no_key_of_its_table() -> None:
    faults = faults_of(f'{matrix_text(Line())}\n{PIP}name = "other"\nversoin = "2"\n')
    assert [fault.partition(", ")[2] for fault in faults] == [
        "pip.tool.name: unknown key; known: sha256, version",
        "pip.tool.versoin: unknown key; did you mean 'version'?",
    ]


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("level = 3", 'level = "3"', "payload.level: '3' is not an integer"),
        ("strip = true", "strip = 1", "trim.strip: 1 is not true or false"),
        ('pbs = "20261021"', "pbs = 20261021", "line[1].pbs: 20261021 is not a string"),
        ('pbs = "20261021"', 'pbs = "20261399"', "line[1].pbs: '20261399' is not the date"),
        ("level = 3", "level = 99", "payload.level: 99 is greater than 22"),
        ('goos = "linux"', 'goos = "plan9"', "platform[1].goos: 'plan9' is not one of 'linux'"),
        ('python = "3.14.9"', "python = 3.14", "line[1].python: 3.14 is not a string"),
        ("platforms = [", "platforms = 3 # [", "line[1].platforms: 3 is not a list"),
        ("[payload]", "[x]", "x: unknown key; known: archive, attest, line, module, payload"),
    ],
)
def test_values_of_another_kind_are_not_converted(old: str, new: str, fault: str) -> None:
    text = matrix_text(Line())
    assert old in text
    assert any(fault in each for each in faults_of(text.replace(old, new, 1)))


def test_a_table_in_the_place_of_a_value_and_the_other_way_round() -> None:
    (fault,) = faults_of(f"{matrix_text(Line())}\n[pip]\ntool = 3\n")
    assert fault.endswith("pip.tool: 3 is not a table")
