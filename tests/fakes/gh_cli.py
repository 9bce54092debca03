"""A ``gh`` that knows one subcommand: it checks how it is called and prints what ``gh`` prints.

The shape of its answer is that of GitHub CLI 2.62 for an asset of python-build-standalone, without
the bundle. Environment variables say what it does.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PBS = "astral-sh/python-build-standalone"
SIGNER = f"https://github.com/{PBS}/.github/workflows/release.yml@refs/heads/main"
COMMIT = "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567"
RUN = f"https://github.com/{PBS}/actions/runs/18000000001/attempts/1"

_PROGRAM = """#!{python}
import hashlib, json, os, pathlib, sys
expected = ["attestation", "verify", sys.argv[3], "--repo", sys.argv[5],
            "--hostname", "github.com", "--format", "json"]
if sys.argv[1:] != expected:
    sys.exit(f"unexpected arguments: {{sys.argv[1:]}}")
if "GH_TOKEN" not in os.environ:
    sys.stderr.write("To get started with GitHub CLI, please run:  gh auth login\\n")
    sys.exit(4)
with open(pathlib.Path(__file__).with_name("calls"), "a") as calls:
    calls.write(json.dumps(sys.argv[1:]) + "\\n")
digest = hashlib.sha256(pathlib.Path(sys.argv[3]).read_bytes()).hexdigest()
answers = json.loads(pathlib.Path(__file__).with_name("answers.json").read_text())
if digest in answers["refused"] or "*" in answers["refused"]:
    sys.stderr.write("Loaded digest sha256:" + digest + " for file://" + sys.argv[3] + "\\n")
    sys.stderr.write("X No attestations found for subject sha256:" + digest + "\\n")
    sys.stderr.write("\\nError: no attestations found\\n")
    sys.exit(1)
print(json.dumps(answers["results"]).replace("DIGEST", digest))
"""


def result(
    digest: str = "DIGEST",
    *,
    when: str = "2026-10-21T18:43:07Z",
    repository: str = PBS,
    signer: str = SIGNER,
    **certificate: str,
) -> dict[str, Any]:
    """One element of what ``gh attestation verify --format json`` prints."""
    return {
        "attestation": {"bundle": {"mediaType": "application/vnd.dev.sigstore.bundle.v0.3+json"}},
        "verificationResult": {
            "mediaType": "application/vnd.dev.sigstore.verificationresult+json;version=0.1",
            "signature": {
                "certificate": {
                    "certificateIssuer": "CN=sigstore-intermediate,O=sigstore.dev",
                    "subjectAlternativeName": signer,
                    "issuer": "https://token.actions.githubusercontent.com",
                    "buildSignerURI": signer,
                    "buildSignerDigest": COMMIT,
                    "runnerEnvironment": "self-hosted",
                    "sourceRepositoryURI": f"https://github.com/{repository}",
                    "sourceRepositoryDigest": COMMIT,
                    "sourceRepositoryRef": "refs/heads/main",
                    "buildConfigURI": signer,
                    "buildTrigger": "workflow_dispatch",
                    "runInvocationURI": RUN,
                    **certificate,
                }
            },
            "verifiedTimestamps": [
                {"type": "Tlog", "uri": "https://rekor.sigstore.dev", "timestamp": when}
            ],
            "statement": {
                "_type": "https://in-toto.io/Statement/v1",
                "subject": [
                    {"name": "another.tar.zst", "digest": {"sha256": "0" * 64}},
                    {"name": "asset.tar.zst", "digest": {"sha256": digest}},
                ],
                "predicateType": "https://slsa.dev/provenance/v1",
                "predicate": {},
            },
        },
    }


def install(
    folder: Path, *results: Mapping[str, Any], refused: tuple[str, ...] = ()
) -> Mapping[str, str]:
    """Write the program into ``folder``; returns the environment that finds it, signed in.

    ``refused`` are sha256 of files without attestations, ``*`` is all.
    """
    folder.mkdir(exist_ok=True)
    program = folder / "gh"
    program.write_text(_PROGRAM.format(python=sys.executable))
    program.chmod(0o755)
    answers = {"results": list(results) or [result()], "refused": refused}
    (folder / "answers.json").write_text(json.dumps(answers))
    return {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GH_TOKEN": "a token"}


def calls(folder: Path) -> list[list[str]]:
    """The arguments of every call that came as far as a verification."""
    path = folder / "calls"
    return [json.loads(row) for row in path.read_text().splitlines()] if path.is_file() else []
