"""Where OSV has the components of a tag.

OSV knows Python packages by name, and C libraries by their git repository and the tag of a version.
It finds neither ``pkg:generic`` nor CPE names (gcp/api/server.py of google/osv.dev).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pipeline.build.components import CPYTHON
from pipeline.formats.osv import GIT, PYPI, OsvPackage
from pipeline.publish.tag_facts import ComponentFacts

_GITHUB = "https://github.com"
_REPOSITORIES: Mapping[str, tuple[str, str]] = {
    "bzip2": ("https://gitlab.com/bzip2/bzip2", "bzip2-{dots}"),
    CPYTHON: (f"{_GITHUB}/python/cpython", "v{dots}"),
    "expat": (f"{_GITHUB}/libexpat/libexpat", "R_{underscores}"),
    "openssl": (f"{_GITHUB}/openssl/openssl", "openssl-{dots}"),
    "sqlite": (f"{_GITHUB}/sqlite/sqlite", "version-{dots}"),
    "zlib": (f"{_GITHUB}/madler/zlib", "v{dots}"),
}
"""Repositories and how they name the tag of a version; of components whose version is known."""
_OLD_OPENSSL = re.compile(r"[01]\..+")
"""Before 3.0, tags are such as ``OpenSSL_1_1_1w``."""


def osv_package(component: ComponentFacts) -> OsvPackage | str:
    """What to ask OSV for, or why it cannot be asked."""
    if not component.version:
        return "its version is not known"
    if component.is_wheel:
        return OsvPackage(PYPI, component.name, component.version)
    if component.name not in _REPOSITORIES:
        return "goempy knows no repository of it that OSV has"
    address, tag = _REPOSITORIES[component.name]
    if component.name == "openssl" and _OLD_OPENSSL.fullmatch(component.version):
        tag = "OpenSSL_{underscores}"
    version = component.version
    name = tag.format(dots=version, underscores=version.replace(".", "_"))
    return OsvPackage(GIT, address, name)
