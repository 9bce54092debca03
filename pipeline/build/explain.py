"""Why each file of an archive is dropped or shipped, for people."""

from __future__ import annotations

from collections.abc import Iterator

from pipeline.build.cell import CellPlan
from pipeline.build.model import Kind
from pipeline.system.units import counted, human_bytes


def explain_plan(plan: CellPlan) -> Iterator[str]:
    """Every dropped file with its reason, then what is shipped, the largest first."""
    yield f"\n{plan.cell.name}: dropped"
    yield from _dropped_rows(plan)
    yield f"\n{plan.cell.name}: shipped from the archive"
    yield from _shipped_rows(plan)


def _shipped_rows(plan: CellPlan) -> Iterator[str]:
    files = [member for member in plan.trim.kept if member.kind is not Kind.DIR]
    for member in sorted(files, key=lambda m: (-plan.shipped_size(m), m.name)):
        shipped = plan.shipped_size(member)
        saved = member.size_bytes - shipped
        notes = f"  ({human_bytes(saved)} of debug sections and symbols dropped)" if saved else ""
        if member.content in plan.inventory.notes:
            notes = f"  ({plan.inventory.notes[member.content]})"
        if member.kind is Kind.LINK:
            notes = f" -> {member.target}"
        yield f"{shipped:>12,}  {member.name}{notes}"


def _dropped_rows(plan: CellPlan) -> Iterator[str]:
    for reason, members in plan.trim.by_reason():
        total = human_bytes(sum(member.size_bytes for member in members))
        yield f"# {reason}: {counted(len(members), 'file')}, {total}"
        for member in members:
            yield f"{member.size_bytes:>12,}  {member.name}"
