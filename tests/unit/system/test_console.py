"""What a person sees: plain lines without a terminal, tables that are not cut."""

from __future__ import annotations

import pytest

from pipeline.system.console import StoppedError, printable
from pipeline.system.tables import Column
from pipeline.system.units import human_bytes, human_seconds
from tests.harness.console import captured_console


def test_numbers_for_people() -> None:
    assert [human_bytes(n) for n in (0, 999, 1000, 27_400_000, 2_500_000_000)] == [
        "0 B",
        "999 B",
        "1.0 kB",
        "27.4 MB",
        "2.50 GB",
    ]
    assert [human_seconds(n) for n in (0.04, 59.9, 125)] == ["0.0 s", "59.9 s", "2 min 05 s"]


def test_without_a_terminal_each_quarter_is_a_line() -> None:
    plain, text = captured_console()
    with plain.live():
        advance = plain.start("asset", 1000)
        for _ in range(100):
            advance(10)
    assert text.getvalue().splitlines() == [
        "asset: 1.0 kB",
        "asset: 25 % of 1.0 kB",
        "asset: 50 % of 1.0 kB",
        "asset: 75 % of 1.0 kB",
        "asset: 100 % of 1.0 kB",
    ]


def test_in_a_terminal_there_is_a_bar() -> None:
    fancy, text = captured_console(terminal=True)
    with fancy.live():
        fancy.start("asset", 1000)(1000)
    assert "asset" in text.getvalue()
    assert "asset: 1.0 kB" not in text.getvalue()


def test_stop_reaches_everyone_who_counts() -> None:
    plain, _text = captured_console()
    advance = plain.start("asset", 1000)
    plain.stop()
    with pytest.raises(StoppedError):
        advance(1)
    with pytest.raises(StoppedError):
        plain.check()


def test_on_actions_faults_are_annotations() -> None:
    there, text = captured_console(actions=True)
    there.warning("careful")
    there.error("100 % broken\n  Mend it.")
    assert text.getvalue().splitlines() == [
        "::warning::careful",
        "::error::100 %25 broken%0A  Mend it.",
    ]


def test_tables_keep_markup_as_text() -> None:
    plain, text = captured_console()
    plain.table([Column("name"), Column("size", right=True)], [["[red]", "1"], ["b", "22"]])
    rows = [row.rstrip() for row in text.getvalue().splitlines()]
    assert rows == ["name   size", "[red]     1", "b        22"]


@pytest.mark.parametrize("width", [7, 12, 13, 14, 20])
def test_tables_never_cut_what_is_copied(width: int) -> None:
    fancy, text = captured_console(terminal=True, width=width)
    columns = [Column("tag"), Column("on", folds=True)]
    fancy.table(columns, [["v0.1.0-t", "aa, bbb"], ["v0.1.0", ""]])
    words = text.getvalue().split()
    assert words.count("tag") == (2 if width < 13 else 1)
    assert {"v0.1.0-t", "aa,", "bbb", "v0.1.0"} <= set(words)


def test_what_a_terminal_would_obey_is_shown_instead() -> None:
    assert printable("a\x1b[2Jb\x9bc\td\n\x7f") == "a\\x1b[2Jb\\x9bc\td\n\\x7f"
