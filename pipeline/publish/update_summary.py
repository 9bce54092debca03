"""What an update changes, for people: Markdown for a terminal and for a pull request."""

from __future__ import annotations

from pipeline.config.update import UP_TO_DATE, Flavours, LineUpdate, UpdatePlan
from pipeline.system.units import human_bytes


def summarize(plan: UpdatePlan) -> str:
    """The plan as Markdown, fit for a pull request: the same plan, the same text."""
    blocks = [_moved(plan), _assets(plan), _unchanged_rows(plan), _ended(plan), _proposed(plan)]
    return "\n\n".join("\n".join(block) for block in blocks if block)


def _moved(plan: UpdatePlan) -> list[str]:
    moves = [step for step in plan.steps if step.moves]
    if not moves:
        return [f"PBS {plan.release} has nothing new for the lines of this matrix."]
    rows = [
        f"| {step.before.minor_name} | {step.before.name} → {step.after.name} "
        f"| {step.before.pbs} → {step.after.pbs} | {step.cells} | {_size(step)} |"
        for step in moves
    ]
    head = ["| line | Python | PBS | assets | download |", "|---|---|---|--:|---|"]
    return [f"Interpreters of PBS {plan.release}:", "", *head, *rows]


def _size(step: LineUpdate) -> str:
    before, after = step.bytes_before, step.bytes_after
    names = [human_bytes(size) if size is not None else "unknown" for size in (before, after)]
    text = " → ".join(names)
    if before is None or after is None:
        return "unknown" if before is after else text
    more = after - before
    return f"{text} ({more:+,} bytes, {100 * more / before:+.1f} %)"


def _assets(plan: UpdatePlan) -> list[str]:
    rows = []
    for step in plan.steps:
        if step.moves and step.flavours is None:
            rows.append(
                f"- {step.before.minor_name}: not known; the source lacks PBS {step.before.pbs}"
            )
        flavours = step.flavours or Flavours((), ())
        for verb, names in (("gained", flavours.gained), ("lost", flavours.lost)):
            if names:
                listed = ", ".join(f"`{name}`" for name in names)
                rows.append(f"- {step.before.minor_name} {verb} {listed}")
    return ["Assets that PBS gained and lost:", "", *rows] if rows else []


def _unchanged_rows(plan: UpdatePlan) -> list[str]:
    rows = []
    for step in plan.steps:
        if not step.moves and (step.why != UP_TO_DATE or not plan.moves):
            rows.append(f"- {step.before.name} (PBS {step.before.pbs}): {step.why}")
            rows += [f"  - missing: `{name}`" for name in step.missing]
    return ["Lines that stay as they are:", "", *rows] if rows else []


def _ended(plan: UpdatePlan) -> list[str]:
    names = ", ".join(step.after.name for step in plan.steps if step.end_of_life)
    return [f"End of life, so without further fixes from CPython: {names}."] if names else []


def _proposed(plan: UpdatePlan) -> list[str]:
    if not plan.proposals:
        return []
    rows = []
    for line in plan.proposals:
        rows += ["", "[[line]]", f'python = "{line.python}"', f'pbs = "{line.pbs}"']
        if line.platforms is not None:
            names = ", ".join(f'"{name}"' for name in line.platforms)
            rows.append(f"platforms = [{names}]")
    head = f"PBS {plan.release} has minor versions that no line has. To add them to matrix.toml:"
    return [head, "", "```toml", *rows[1:], "```"]
