"""Which modules of a tree ship compiled."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.build.model import Kind, Member
from pipeline.build.trim import matcher
from pipeline.config.model import ALL_BYTECODE, COMMON_BYTECODE, PayloadConfig

_MODULE = re.compile(r"(?P<folder>lib[^/]*/python3\.\d+t?|Lib)/(?P<name>.+\.py)")
_PLATFORM_DATA = re.compile(r"_sysconfigdata_.*\.py")
"""No other platform could share it, and hardly any program imports it."""


@dataclass(frozen=True, slots=True)
class Module:
    """A source file of the standard library."""

    folder: str
    """The standard library in the tree: ``lib/python3.14``, or ``Lib`` on Windows."""
    name: str
    """Relative to it: ``json/decoder.py``."""
    member: Member


def select_modules(shipped: Sequence[Member], config: PayloadConfig) -> tuple[Module, ...]:
    """The modules that ship compiled according to ``config``, in the order of ``shipped``."""
    if config.bytecode not in {COMMON_BYTECODE, ALL_BYTECODE}:
        return ()
    is_common = matcher(config.common_bytecode)
    modules = []
    for member in shipped:
        match = _MODULE.fullmatch(member.name) if member.kind is Kind.FILE else None
        if match is None or _PLATFORM_DATA.fullmatch(match["name"]):
            continue
        if config.bytecode == ALL_BYTECODE or is_common(match["name"]):
            modules.append(Module(match["folder"], match["name"], member))
    return tuple(modules)
