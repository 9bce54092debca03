"""What is dropped from an interpreter's tree, and why.

A member is kept when a ``keep`` glob of its system, or one of a part with ``ship = true``, matches
and no drop rule does; a folder is kept with what is below it. Globs are those of the shell with
``**`` for any number of folders and ``{a,b}`` for either; they are case-sensitive and match hidden
names.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from wcmatch import glob

from pipeline.build.model import Kind, Member
from pipeline.config.model import TrimConfig
from pipeline.system.errors import TreeError

_FLAGS = glob.GLOBSTAR | glob.BRACE | glob.DOTGLOB | glob.CASE | glob.FORCEUNIX

NOT_KEPT = "no 'keep' glob names it"
UNNEEDED = "a library that no shipped file needs"
DANGLING = "a link to something that is not shipped"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file or link that is dropped, and the reason."""

    member: Member
    reason: str


@dataclass(frozen=True, slots=True)
class TrimPlan:
    """What is kept and dropped of a tree; both sorted by the UTF-8 bytes of the names."""

    kept: tuple[Member, ...]
    dropped: tuple[Dropped, ...]

    def by_reason(self) -> Iterator[tuple[str, tuple[Member, ...]]]:
        """The dropped members of each reason, reasons in alphabetical order."""
        for reason, group in groupby(
            sorted(self.dropped, key=lambda each: each.reason), key=lambda each: each.reason
        ):
            yield reason, tuple(each.member for each in group)


def plan_trim(members: Sequence[Member], config: TrimConfig, *, windows: bool) -> TrimPlan:
    """Divide ``members``; raises ``TreeError`` when the kept ones are not an interpreter."""
    candidates = [member for member in members if member.kind is not Kind.DIR]
    rule_against = _rules(config, windows=windows)
    reasons = {m.name: reason for m in candidates if (reason := rule_against(m.name))}
    reasons |= _unneeded([m for m in candidates if m.name not in reasons], config)
    reasons |= _dangling([m for m in candidates if m.name not in reasons])
    kept = [member for member in candidates if member.name not in reasons]
    _require_essentials({member.name for member in kept}, windows=windows)
    folders = {parent for member in kept for parent in parents(member.name)}
    kept += [Member(name, Kind.DIR) for name in folders]
    dropped = [Dropped(m, reasons[m.name]) for m in candidates if m.name in reasons]
    return TrimPlan(
        tuple(sorted(kept, key=_order)), tuple(sorted(dropped, key=lambda d: _order(d.member)))
    )


def parents(name: str) -> Iterator[str]:
    """``a/b`` and ``a`` for ``a/b/c``."""
    while name := posixpath.dirname(name):
        yield name


def _order(member: Member) -> bytes:
    return member.name.encode()


def matcher(globs: Sequence[str]) -> Callable[[str], bool]:
    """A function that returns whether one of ``globs`` matches a whole name."""
    if not globs:
        return lambda _name: False
    # The limit on patterns is for untrusted ones; these are the project's own.
    included, _excluded = glob.translate(list(globs), flags=_FLAGS, limit=0)
    pattern = re.compile("|".join(included))
    return lambda name: pattern.fullmatch(name) is not None


def _rules(config: TrimConfig, *, windows: bool) -> Callable[[str], str]:
    """A function that returns why a name is dropped, or ``""``."""
    keep = config.keep_windows if windows else config.keep_unix
    in_parts = [glob for part in config.parts for glob in part.globs]
    is_kept = matcher([*keep, *in_parts])
    rules = [(rule.reason, rule.globs) for rule in config.drop]
    rules += [(f"part {p.name}, which is off", p.globs) for p in config.parts if not p.ship]
    drops = [(reason, matcher(globs)) for reason, globs in rules]

    def rule_against(name: str) -> str:
        if not is_kept(name):
            return NOT_KEPT
        return next((reason for reason, matches in drops if matches(name)), "")

    return rule_against


def _unneeded(members: Sequence[Member], config: TrimConfig) -> dict[str, str]:
    """The optional libraries that neither the rest of the tree nor a needed one loads."""
    is_optional = matcher(config.unless_needed)
    optional = {m.name: m for m in members if is_optional(m.name)}
    wanted = [name for m in members if m.name not in optional for name in m.needed]
    seen: set[str] = set()
    while wanted:
        basename = wanted.pop()
        if basename in seen:
            continue
        seen.add(basename)
        for member in [m for m in optional.values() if posixpath.basename(m.name) == basename]:
            del optional[member.name]
            wanted += member.needed
            if member.kind is Kind.LINK:
                wanted.append(posixpath.basename(member.target))
    return dict.fromkeys(optional, UNNEEDED)


def _dangling(members: Sequence[Member]) -> dict[str, str]:
    """Links whose target is dropped, and links to those."""
    reasons: dict[str, str] = {}
    while True:
        present = {member.name for member in members if member.name not in reasons}
        present |= {parent for name in present for parent in parents(name)}
        lost = [
            m.name
            for m in members
            if m.kind is Kind.LINK and m.name in present and _points_to(m) not in present
        ]
        if not lost:
            return reasons
        reasons |= dict.fromkeys(lost, DANGLING)


def _points_to(link: Member) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(link.name), link.target))


def _require_essentials(names: set[str], *, windows: bool) -> None:
    """Check for the executable that the Go module runs, and ``os.py``."""
    needed = (
        {"python.exe": r"python\.exe", "Lib/os.py": r"Lib/os\.py"}
        if windows
        else {
            "bin/python3": r"bin/python3",
            "lib/python3.*/os.py": r"lib[^/]*/python3\.\d+t?/os\.py",
        }
    )
    missing = [
        what
        for what, pattern in needed.items()
        if not any(re.fullmatch(pattern, name) for name in names)
    ]
    if missing:
        raise TreeError(
            "after trimming, the interpreter could not start",
            details=[f"{what} is missing" for what in missing],
            hint="See 'goempy build --explain': [trim] drops too much, or the archive holds no "
            "interpreter.",
        )
