"""Let ``sysconfig`` of a tree that has headers describe the tree where it was extracted.

The module ``_sysconfigdata_*`` holds what CPython's build was configured with: paths below its
prefix and the compiler of the machine that built it, such as ``clang`` and
``/tools/llvm/bin/llvm-ar``. Only who compiles against a tree reads them, so a tree without headers
keeps the module as it is. In another one a function is appended that changes the values when the
module is imported: the tree may be anywhere, and every system with a compiler has ``cc``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipeline.build.model import Member

_DATA = re.compile(r"lib[^/]*/python3\.\d+t?/_sysconfigdata_[^/]*\.py")
_HEADER = re.compile(r"include/.*pyconfig\.h")

APPENDED = rb'''

def _for_this_tree(values):
    """Added by goempy: paths of this tree, and the compiler of this system."""
    import re
    import sys

    prefix = values.get("prefix") or "/install"
    rules = [(r"\s*-isysroot \S+|\s*-fdebug-default-version=\d+", "")]
    if prefix != "/usr":  # that of the system, which has more than Python
        start, end = r"(?:^|(?<=[\s='\",:])|(?<=-[ILF]))", r"(?=[/\s:'\"]|$)"
        rules.append((start + re.escape(prefix) + end, lambda _: sys.base_prefix))
    tools = [(r"^\S*(clang|gcc|\bcc)(-[\d.]+)?(?!\S)", "cc"),
             (r"^\S*(clang|g|\bc)\+\+(-[\d.]+)?(?!\S)", "c++"),
             (r"^\S*\bar(?!\S)", "ar")]
    for name, value in values.items():
        if isinstance(value, str):
            is_tool = name in ("AR", "CC", "CXX", "LINKCC", "MAINCC") or name.endswith("SHARED")
            for pattern, new in rules + tools if is_tool else rules:
                value = re.sub(pattern, new, value)
            values[name] = value


_for_this_tree(build_time_vars)
'''


def relocated(kept: Sequence[Member]) -> frozenset[str]:
    """The names of the members of a trimmed tree that get ``APPENDED``."""
    if not any(_HEADER.fullmatch(member.name) for member in kept):
        return frozenset()
    return frozenset(member.name for member in kept if _DATA.fullmatch(member.name))
