"""Names near the one that was given."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable


def nearest(name: str, known: Collection[str], count: int = 1, *, cutoff: float = 0.6) -> list[str]:
    """Up to ``count`` of the ``known`` names that are near ``name``, the nearest first."""
    return difflib.get_close_matches(name, list(known), count, cutoff)


def did_you_mean(name: str, known: Collection[str]) -> str:
    """``did you mean 'y'?``, or the known names where none is near."""
    near = nearest(name, known)
    return f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"


def unknown_names(what: str, names: Iterable[str], known: Collection[str]) -> list[str]:
    """``near_names`` of each name that is not known."""
    return [near_names(what, name, known) for name in names if name not in known]


def near_names(what: str, name: str, known: Collection[str]) -> str:
    """``no cell 'x'; did you mean 'y'?``."""
    hint = did_you_mean(name, known) if known else f"there are no {what}s"
    return f"no {what} {name!r}; {hint}"
