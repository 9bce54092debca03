"""``goempy try`` on real interpreters of PBS: nothing less than what a release runs on Linux.

The newest trees that there are to test with are newer than the interpreters of a developer's
machine, and it is in new versions that new variables, modules and files appear.
"""

from __future__ import annotations

import platform
import re
import sys
from pathlib import Path

import pytest

from tests.builders.real_site import make_real_site
from tests.harness.go import GOFLAGS, Go
from tests.harness.go_tests import go_tests, packages_with_tests
from tests.harness.peers import GO_EMBED_PYTHON, GO_EMBED_PYTHON_NEWEST, RATATOSKR, Peer

PLATFORM = "linux-amd64"
SAME_WHEELS = "linux-amd64-v3"
OTHER_WHEELS = "windows-amd64"
PACKAGES = ("python", "python/worker", "pip")
"""Those whose tests depend on the interpreter."""

pytestmark = pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="runs interpreters of linux/amd64",
)


def payload_tests(*packages: str) -> set[str]:
    """The tests of packages that run the payload's interpreter as it is shipped."""
    names = {name for package in packages for name in go_tests(package)}
    return {name for name in names if name.startswith("TestPayload")}


def only_of_the_interpreter() -> str:
    """A flag that leaves out the tests of all other packages.

    Those packages have payloads of their own and take long. Others run them, in the source tree
    (``test_gomodule.py``) and in that of a tag (``e2e/test_release.py``).
    """
    ours = {name for package in PACKAGES for name in go_tests(package)}
    others = {name for package in packages_with_tests() for name in go_tests(package)}
    return f"-skip=^({'|'.join(sorted(others - ours))})$"


ONLY_OF_THE_INTERPRETER = only_of_the_interpreter()
ONLY_OF_THE_PAYLOAD = f"-run=^({'|'.join(sorted(payload_tests('python')))})$"
"""How processes and workers are handled is the same for each Python, and so are examples and
package pip, of which the smoke test itself installs a wheel. All is run with the newest one and,
in the whole run, with one of another minor version."""


@pytest.mark.parametrize(
    ("peer", "others", "tests", "packages"),
    [
        (GO_EMBED_PYTHON_NEWEST, (SAME_WHEELS, OTHER_WHEELS), ONLY_OF_THE_INTERPRETER, PACKAGES),
        (RATATOSKR, (SAME_WHEELS,), ONLY_OF_THE_PAYLOAD, ("python",)),
        pytest.param(
            GO_EMBED_PYTHON,
            (OTHER_WHEELS,),
            ONLY_OF_THE_INTERPRETER,
            PACKAGES,
            marks=pytest.mark.whole,
        ),
    ],
    ids=["newest", "of the payload", "older"],
)
def test_every_check_of_a_release_passes(
    tmp_path: Path, peer: Peer, others: tuple[str, ...], tests: str, packages: tuple[str, ...]
) -> None:
    site = make_real_site(tmp_path / "site", peer, [PLATFORM], others=others, pip=True)
    go = Go(tmp_path / "modcache")
    # Without a C compiler there is no race detector. Like vet it is for tests of the source tree.
    env = {"CC": "none-here", "GOFLAGS": f"{GOFLAGS} -vet=off -v {tests}"}
    outcome = site.try_payloads("--platform", PLATFORM, env={**go.env(), **env})
    assert outcome.code == 0, outcome.log
    passed = set(re.findall(r"^--- PASS: (\w+)", outcome.log, re.MULTILINE))
    assert payload_tests(*packages) <= passed
    row = next(row for row in outcome.out.splitlines() if row.startswith(f"{peer.python}/"))
    _cell, python, openssl, _sqlite, modules, pip, passes, _time, result = re.split(
        r"\s{2,}", row.strip()
    )
    assert (python, pip, passes, result) == (peer.python, "ok", "ok", "ok")
    assert "SSL" in openssl
    good, _of, every = modules.split()
    assert good == every
