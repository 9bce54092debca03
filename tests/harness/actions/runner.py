"""Runs a workflow file on this machine: its own ``run:`` lines, job by job.

Jobs get what GitHub would give them: a fresh checkout, the outputs of the jobs that they need,
artifacts, a matrix, the environment files. Actions are done by hand: checkout is a clone,
artifacts are files in a folder, the set-up of languages is what this machine has.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.harness.actions.expressions import Scope, as_text, evaluate, expand
from tests.harness.project import git

_STATUS = re.compile(r"\b(success|failure|always|cancelled)\(\)")
_VARIABLES = ("GOEMPY_PBS_MIRROR", "GOEMPY_ATTEST", "GOEMPY_OSV")
"""What a fork may set for its workflows."""
CREDENTIALS = '[http "https://git.corp.example/"]\n\textraheader = AUTHORIZATION: basic eDp4\n'
_SET_UP = ("actions/setup-python", "actions/setup-go", "actions/cache")


@dataclass(frozen=True)
class Ran:
    """One ``run:`` line that was carried out."""

    job: str
    line: str
    code: int
    log: str


@dataclass
class JobResult:
    """``result`` is ``success``, ``failure`` or ``skipped``."""

    result: str
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass
class Event:
    """What started the run."""

    name: str
    inputs: Mapping[str, Any] = field(default_factory=dict)
    ref: str = "refs/heads/main"
    private: bool = False


@dataclass
class Actions:
    """A repository with workflows, and everything a run of one leaves."""

    repository: Path
    folder: Path
    env: Mapping[str, str]
    on_line: Callable[[str, str], bool] = lambda _job, _line: True
    """Asked before each line with job and line; ``False`` leaves it out, as done before."""
    only: Callable[[Mapping[str, str]], bool] = lambda _combination: True
    """Which combinations of a matrix run here: this machine is one kind of runner."""
    ran: list[Ran] = field(default_factory=list)
    attested: list[str] = field(default_factory=list)
    summary: str = ""

    def run(self, workflow: str, event: Event) -> dict[str, JobResult]:
        """Carry out a workflow of the repository's main branch; results by job."""
        text = subprocess.run(
            ["git", "-C", self.repository, "show", f"main:.github/workflows/{workflow}"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip
        # All scalars as texts: YAML 1.1 takes the key `on` for true.
        document = yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - it makes texts only
        assert event.name in document["on"], f"{event.name} starts no {workflow}"
        self.folder.mkdir(parents=True, exist_ok=True)
        return _Run(self, document, event).jobs()

    def lines(self, job: str) -> list[str]:
        """The lines that a job ran."""
        return [each.line for each in self.ran if each.job == job]

    def log(self) -> str:
        """All that was printed."""
        return "\n".join(f"[{each.job}] {each.line}\n{each.log}" for each in self.ran)


class _Run:
    def __init__(self, actions: Actions, document: Mapping[str, Any], event: Event) -> None:
        self.actions = actions
        self.document = document
        self.artifacts = actions.folder / "artifacts"
        declared = (document["on"].get("workflow_dispatch") or {}).get("inputs") or {}
        self.inputs = dict.fromkeys(declared, None) | dict(event.inputs)
        self.github = {
            "event_name": event.name,
            "ref": event.ref,
            "ref_name": event.ref.removeprefix("refs/heads/"),
            "token": "a-token",
            "event": {"repository": {"default_branch": "main", "private": event.private}},
        }
        self.event = actions.folder / "event.json"
        self.event.write_text(json.dumps(self.github["event"]), "utf-8")
        self.results: dict[str, JobResult] = {}
        self.count = 0

    def jobs(self) -> dict[str, JobResult]:
        for name, job in self.document["jobs"].items():
            self.results[name] = self._job(name, job)
        return self.results

    def _scope(self, job: Mapping[str, Any], **more: Any) -> Scope:  # noqa: ANN401
        needs: dict[str, dict[str, Any]] = {
            name: {"result": self.results[name].result, "outputs": self.results[name].outputs}
            for name in job.get("needs", ())
        }
        settings = {name: self.actions.env.get(name, "") for name in _VARIABLES}
        contexts = {"github": self.github, "inputs": self.inputs, "needs": needs, **more}
        contexts["vars"] = settings
        return Scope(contexts, tuple(self.results[each].result for each in self._upstream(job)))

    def _upstream(self, job: Mapping[str, Any]) -> list[str]:
        """The jobs that come before it in any way: what status functions look at."""
        direct = job.get("needs", ())
        above = [name for each in direct for name in self._upstream(self.document["jobs"][each])]
        return list(dict.fromkeys([*direct, *above]))

    def _job(self, name: str, job: Mapping[str, Any]) -> JobResult:
        scope = self._scope(job)
        condition = job.get("if", "success()")
        condition = condition.removeprefix("${{").removesuffix("}}")
        if not _STATUS.search(condition):
            condition = f"success() && ({condition})"
        blank = dict.fromkeys(job.get("outputs", ()), "")
        if not evaluate(condition, scope):
            return JobResult("skipped", blank)
        combinations: Sequence[Mapping[str, str]] = [{}]
        if matrix := job.get("strategy", {}).get("matrix"):
            rows: Any = matrix["include"] if isinstance(matrix, dict) else None
            combinations = rows or expand(matrix, scope)["include"]
            assert combinations, f"the matrix of {name} is empty, which is an error"
        result = JobResult("success", blank)
        for combination in filter(self.actions.only, combinations):
            one = self._one(name, job, self._scope(job, matrix=combination))
            result.outputs |= one.outputs
            if one.result == "failure":
                result.result = "failure"
        return result

    def _one(self, name: str, job: Mapping[str, Any], scope: Scope) -> JobResult:
        self.count += 1
        place = self.actions.folder / f"{self.count:02d}-{name}"
        work = place / "work"
        work.mkdir(parents=True)
        steps: dict[str, dict[str, dict[str, str]]] = {}
        contexts = {**scope.contexts, "steps": steps}
        failed = False
        for number, step in enumerate(job["steps"]):
            here = Scope(contexts, ("failure" if failed else "success",))
            if not evaluate(step.get("if", "success()"), here) or failed:
                continue
            outputs = place / f"output-{number}"
            outputs.touch()
            if "run" in step:
                failed = not self._line(name, job, step, here, (place, work, outputs))
            else:
                failed = not self._action(step, here, work)
            if "id" in step:
                steps[step["id"]] = {"outputs": _read_outputs(outputs)}
        found = {
            key: as_text(expand(value, Scope(_with_blanks(contexts, value))))
            for key, value in ({} if failed else job.get("outputs", {})).items()
        }
        return JobResult("failure" if failed else "success", found)

    def _line(
        self,
        name: str,
        job: Mapping[str, Any],
        step: Mapping[str, Any],
        scope: Scope,
        places: tuple[Path, Path, Path],
    ) -> bool:
        place, work, outputs = places
        line = step["run"].strip()
        assert "${{" not in line, f"an expression inside of run: {line}"
        if not self.actions.on_line(name, line):
            return True
        declared = {**self.document.get("env", {}), **job.get("env", {}), **step.get("env", {})}
        summary = place / "summary"
        summary.touch()
        env = {
            **self.actions.env,
            **{key: as_text(expand(value, scope)) for key, value in declared.items()},
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": str(self.github["event_name"]),
            "GITHUB_EVENT_PATH": str(self.event),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(summary),
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", line],
            cwd=work, env=env, capture_output=True, text=True, check=False,
        )  # fmt: skip
        log = done.stdout + done.stderr
        self.actions.ran.append(Ran(name, line, done.returncode, log))
        self.actions.summary += summary.read_text("utf-8")
        return done.returncode == 0

    def _action(self, step: Mapping[str, Any], scope: Scope, work: Path) -> bool:
        action = step["uses"].partition("@")[0]
        given = {k: as_text(expand(v, scope)) for k, v in step.get("with", {}).items()}
        if action == "actions/checkout":
            self._checkout(work, credentials=given["persist-credentials"] == "true")
        elif action == "actions/upload-artifact":
            target = self.artifacts / given["name"]
            assert not target.exists(), f"artifact {given['name']} twice"
            target.mkdir(parents=True)
            found = sorted(work.glob(given["path"]))
            assert found, f"nothing to upload at {given['path']}"
            for path in found:
                shutil.copy(path, target)
                (target / path.name).chmod(0o644)
        elif action == "actions/download-artifact":
            found = sorted(self.artifacts.glob("*"))
            found = [each for each in found if fnmatch.fnmatchcase(each.name, given["pattern"])]
            for path in found:
                # A single one has no folder of its own.
                name = path.name if len(found) > 1 else ""
                shutil.copytree(path, work / given["path"] / name, dirs_exist_ok=True)
        elif action == "actions/attest":
            found = sorted(work.glob(given["subject-path"]))
            assert found, f"nothing to attest at {given['subject-path']}"
            self.actions.attested += [f"{path.parent.name}/{path.name}" for path in found]
        else:
            assert action in _SET_UP, f"nobody does {action} here"
        return True

    def _checkout(self, work: Path, *, credentials: bool) -> None:
        """One commit without tags, and the remote called origin, as the action leaves it.

        From version 6 on it keeps credentials in a file of the runner's, which the repository's
        configuration includes.
        """
        address = self.actions.repository.as_uri()
        for command in (
            ["git", "init", "--quiet", "--initial-branch=main", "."],
            ["git", "remote", "add", "origin", address],
            ["git", "fetch", "--quiet", "--depth=1", "--no-tags", "origin", "main"],
            ["git", "checkout", "--quiet", "--detach", "FETCH_HEAD"],
        ):
            subprocess.run(command, cwd=work, check=True, env={**os.environ, "HOME": str(work)})
        if credentials:
            kept = work.parent / "git-credentials.config"
            kept.write_text(CREDENTIALS, "utf-8")
            for folder in (work / ".git", work / ".git" / "worktrees" / "*"):
                git(work, "config", "--local", f"includeIf.gitdir:{folder}.path", str(kept))


def _read_outputs(path: Path) -> dict[str, str]:
    rows = path.read_text("utf-8").splitlines()
    return dict(row.split("=", 1) for row in rows)


def _with_blanks(contexts: Mapping[str, Any], expression: str) -> Mapping[str, Any]:
    """An output that a step did not set is empty; a misspelt step has none."""
    match = re.search(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression)
    if match and match[1] in contexts["steps"]:
        contexts["steps"][match[1]]["outputs"].setdefault(match[2], "")
    return contexts
