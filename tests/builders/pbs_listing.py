"""What releases of python-build-standalone list: names, digests, sizes."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping

from pipeline.config.lock import parse_lock
from pipeline.config.model import Pin
from tests.harness.project import REPOSITORY

_LINUX = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "x86_64_v3-unknown-linux-gnu"]
_MUSL = ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"]
_DARWIN = ["x86_64-apple-darwin", "aarch64-apple-darwin"]
_WINDOWS = ["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc", "i686-pc-windows-msvc"]
BUILDS = {
    **dict.fromkeys([*_LINUX, *_DARWIN], ("pgo+lto", "debug", "noopt")),
    **dict.fromkeys(_MUSL, ("lto", "debug", "noopt")),
    **dict.fromkeys(_WINDOWS, ("pgo",)),
}


@functools.cache
def _locked() -> Mapping[str, Pin]:
    return parse_lock((REPOSITORY / "matrix.lock").read_text("utf-8"))


def sha256_of(name: str) -> str:
    """The real digest of what this repository pins, for other names one of their own."""
    pin = _locked().get(name)
    return pin.sha256 if pin else hashlib.sha256(name.encode()).hexdigest()


def size_of(name: str) -> int:
    """20 to 52 MB, as archives of PBS have."""
    return 20_000_000 + int(sha256_of(name)[:6], 16) * 2


def pbs_names(release: str, *versions: str) -> list[str]:
    """Names as a release of PBS has them, about 60 for each version."""
    names = []
    for version in versions:
        head = f"cpython-{version}+{release}"
        free = ["", "freethreaded"] if int(version.split(".")[1]) > 12 else [""]
        for triple, builds in BUILDS.items():
            if "aarch64-pc" in triple and version.startswith("3.10."):
                continue
            for variant in free:
                plus, dash = (f"{variant}+", f"{variant}-") if variant else ("", "")
                names += [f"{head}-{triple}-{plus}{build}-full.tar.zst" for build in builds]
                names += [
                    f"{head}-{triple}-{dash}{kind}.tar.gz"
                    for kind in ("install_only", "install_only_stripped")
                ]
    return names
