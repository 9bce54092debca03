"""Why an aim is missed: what measuring again and mending did not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType({})
"""By a figure's key. BENCHMARKS.md shows it while the figure has a missed aim."""


class UnexplainedError(Exception):
    """Figures miss their aims, and nothing says why; ``keys`` are theirs, all of them."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(
            f"aims are missed without a reason: {', '.join(self.keys)}. "
            "Mend what is slow, or write the reason into REASONS in tests/bench/reasons.py."
        )
