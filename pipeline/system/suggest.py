"""The name that was meant."""

from __future__ import annotations

import difflib
from collections.abc import Collection


def near_names(what: str, name: str, known: Collection[str]) -> str:
    """``no cell 'x'; did you mean 'y'?``, or the known names where none is near."""
    if not known:
        return f"no {what} {name!r}; there are no {what}s"
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(sorted(known))}"
    return f"no {what} {name!r}; {hint}"
