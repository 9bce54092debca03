"""Help texts: complete for every command, and quick to start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import click
import pytest

from pipeline.cli import goempy, main
from pipeline.cli.help import COMMANDS, Command
from pipeline.system.errors import DiskError, PipelineError, UsageError
from tests.harness.console import captured_console
from tests.harness.project import REPOSITORY


def command(name: str) -> Command:
    found = goempy.get_command(click.Context(goempy), name)
    assert isinstance(found, Command)
    return found


def run(*argv: str) -> int:
    return main(argv, {}, lambda: captured_console()[0])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_does_takes_and_returns(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(name, "--help") == 0
    text = capsys.readouterr().out
    assert f"Usage: goempy {name} " in text
    for parameter in command(name).params:
        if isinstance(parameter, click.Option):
            assert parameter.help, parameter.name
            assert parameter.opts[0] in text
        else:
            assert f" {parameter.make_metavar(click.Context(goempy))}" in text
    assert f"Example:\n  goempy {name}" in text
    assert "Exit codes:" in text


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_is_a_command_line(name: str) -> None:
    _goempy, own_name, *arguments = command(name).example.split()
    assert own_name == name
    command(name).make_context(name, arguments, parent=click.Context(goempy))


def test_the_list_of_commands_has_each_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    text = capsys.readouterr().out
    for kind in PipelineError.__subclasses__():
        assert f"\n  {kind.exit_code} " in text
    for name in COMMANDS:
        assert f"\n  {name} " in text


def test_help_imports_no_command_and_no_library_but_click() -> None:
    script = (
        "import sys; from pipeline.cli import goempy\n"
        "goempy.main(['--help'], standalone_mode=False)\n"
        "print('\\n'.join(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    imported = set(done.stderr.split())
    assert {name for name in imported if name.startswith("pipeline.")} == {
        "pipeline.cli", "pipeline.cli.context", "pipeline.cli.help", "pipeline.cli.parameters",
        "pipeline.system", "pipeline.system.errors",
    }  # fmt: skip
    assert not imported & {"rich", "httpx", "github", "pydantic", "semver"}


@pytest.mark.parametrize(
    ("argv", "meant"),
    [
        (["biuld"], "Did you mean 'build'?"),
        (["--rot", ".", "tags"], "Did you mean '--root'?"),
        (["build", "--explian"], "Did you mean '--explain'?"),
    ],
)
def test_the_nearest_name_of_what_does_not_exist(
    argv: list[str], meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == 2
    assert meant in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["build", "3.14.9/linux-amd64"],
        ["unpack", "artifacts"],
        ["finalize", "--repo", "."],
        ["finalize", "--payloads", "payloads"],
        ["assets"],
        ["publish"],
    ],
)
def test_a_required_option_that_is_not_given(
    argv: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == UsageError.exit_code
    assert "Missing option" in capsys.readouterr().err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_argument_is_described(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(name, "--help") == 0
    text = capsys.readouterr().out
    has_arguments = any(isinstance(each, click.Argument) for each in command(name).params)
    assert has_arguments == ("Positional arguments:" in text)


def test_an_api_that_is_no_address() -> None:
    env = {"GITHUB_API_URL": "api.corp.example", "GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": "x"}
    console, log = captured_console()
    assert main(["propose"], env, lambda: console) == UsageError.exit_code
    assert "GITHUB_API_URL is 'api.corp.example'" in log.getvalue()


def test_an_output_file_in_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    named = str(tmp_path / "none" / "output")
    env = {"GITHUB_OUTPUT": named, "GOEMPY_CACHE_DIR": str(tmp_path)}
    console, log = captured_console()
    argv = ["--root", str(REPOSITORY), "plan", "--json"]
    assert main(argv, env, lambda: console) == UsageError.exit_code
    assert "GITHUB_OUTPUT is " in log.getvalue()


@pytest.mark.skipif(not Path("/dev/full").is_char_device(), reason="needs /dev/full, of Linux")
def test_standard_output_on_a_full_disk() -> None:
    command_line = [sys.executable, "-m", "pipeline", "plan"]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            command_line,
            cwd=REPOSITORY,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == DiskError.exit_code
    assert "the disk that holds standard output is full" in done.stderr


@pytest.mark.parametrize(
    ("argv", "wrong"),
    [
        (["plan", "--repo", ""], "the path is empty"),
        (["plan", "--repo", "a\nb"], "a path with a line break cannot be passed to git"),
        (["plan", "--rebuild", "yes"], "'yes' is neither true nor false"),
        (["update", "--pbs", "newest"], "'newest' is not a release of PBS such as 20261021"),
        (["lock", "--check", "--source", "github"], "--check uses no --source"),
        (["release", "--python", "python3"], "--python and --primary need --local"),
        (["release", "--local", "--python", ""], "--python is empty"),
    ],
)
def test_values_that_no_command_takes(
    argv: list[str], wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*argv) == 2
    assert wrong in capsys.readouterr().err
