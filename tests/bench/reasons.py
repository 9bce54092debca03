"""Why an aim is missed: what measuring again and mending did not change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

REASONS: Mapping[str, str] = MappingProxyType(
    {
        "first-run-hello": "Of an extraction's processor time zstd is 70 %, sha256 15 %, files "
        "10 % (see the profile). goempy spreads it over the cores, of which this machine has two; "
        "peers use one. In what is shipped, one core decodes the interpreter's own file for most "
        "of the time. In two pieces for two cores it would make the payload 1.3 % larger, and "
        "take twice the memory.",
        "first-run-memory": "Of what goempy ships, 15 MB are pages of the program file that hold "
        "the payload, 17 MB the window of 16 MiB in which the largest file is decoded, 5 MB the "
        "Go runtime. A window of 8 MiB would make the payload 4 % larger.",
        "warm-start": "Start and end of a Go process, and starting a process from it, are part "
        "of the value on both sides, and most of goempy's: what the module does is the next "
        "figure.",
        "warm-call": "goempy asks the system about every file, a thousand in what it ships with "
        "bytecode, and compares size, mode, inode and both times; that is a microsecond each, on "
        "two cores. The peers look at the sizes of 650 to 680 files.",
        "crowd": "The interpreters alone, started directly, take a fifth of the best peer's time "
        "(see above), so that a tenth cannot be reached.",
        "payload-size": "go-embed-python strips its newest trees too. An eighth of its payload "
        "are 4.4 MB; `xz -9e` of all files that goempy ships makes 11.9 MB.",
        "binary-size": "The payload is most of it, see there.",
        "module-zip": "go-embed-python strips its newest trees too, and 3.13.1 is smaller than "
        "3.14.6. What platforms share is in goempy's module once; the rest is five interpreters.",
        "cell-cpu": "zstd at level 19 takes 85 % of it, once per release and changed cell. At "
        "level 3 the payload for linux/amd64 would be a fifth larger, for every user.",
        "cell-memory": "zstd at level 19 with a window of 16 MiB takes 86 MB for a large file, "
        "more than half of what the peer takes in all.",
    }
)
"""By a figure's key. BENCHMARKS.md shows it while the figure has a missed aim."""


class UnexplainedError(Exception):
    """Figures miss their aims, and nothing says why; ``keys`` are theirs, all of them."""

    def __init__(self, keys: Iterable[str]) -> None:
        self.keys = tuple(keys)
        super().__init__(
            f"aims are missed without a reason: {', '.join(self.keys)}. "
            "Mend what is slow, or write the reason into REASONS in tests/bench/reasons.py."
        )
