"""Where the payloads of a release come from, and how they compare with tags that exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.cli.parts import require_reproduced
from pipeline.cli.workspace import Session
from pipeline.config.model import PIP_CELL, Cell
from pipeline.config.project import Config
from pipeline.formats.payload.reader import Payload
from pipeline.release import tagging as finalizing
from pipeline.release.payload_dir import payload_names, require_all
from pipeline.release.tag_index import PayloadLocation, TagIndex, expected_digests, find, hold, take
from pipeline.release.tagging import TagWorkspace


@dataclass(frozen=True, slots=True)
class PayloadResolver:
    """What ``cells`` can be released from: ``known`` tags, besides what was built."""

    config: Config
    cells: tuple[Cell, ...]
    known: TagIndex
    bench: TagWorkspace
    session: Session

    def is_released(self) -> bool:
        """Whether every line has its tag of this VERSION."""
        return all(self.config.tag_of(cell.line) in self.known.commits for cell in self.cells)

    def compare(self, built: Mapping[str, Payload], *, strict: bool) -> None:
        """Hold what was built against the tags; ``strict`` where they must have each of it.

        Raises ``VerifyError`` for payloads that differ.
        """
        places = {
            cell.name: PayloadLocation(self.config.tag_of(cell.line), cell.platform.name)
            for cell in self.cells
        }
        # Every tag has the same.
        places[PIP_CELL] = PayloadLocation(self.config.tag_of(self.cells[0].line), PIP_CELL)
        asked = {name: places[name] for name in built}
        held = hold(list(dict.fromkeys(each.tag for each in asked.values())), self.known)
        for each in held.values():
            if each.git != self.bench.target.repo:
                self.bench.workshop.borrow_objects(each.git)
        parts = [
            (name, place.part, held[place.tag])
            for name, place in asked.items()
            # One that is no release at all is told of when whole trees are compared.
            if strict or place.part in held[place.tag].parts
        ]
        require_reproduced(parts, built, self.bench, self.session)

    def complete(
        self, built: Mapping[str, Payload]
    ) -> tuple[Mapping[str, Payload], Mapping[str, str]]:
        """All payloads, and where each comes from.

        Raises ``PayloadError`` for those that are neither built nor held by a tag.
        """
        matrix = self.config.matrix
        names = payload_names(self.cells, matrix)
        digests = expected_digests(self.cells, matrix, self.session.pins())
        wanted = {name: digests[name] for name in names if name in digests and name not in built}
        found = find(wanted, self.known) if wanted else {}
        require_all(names, [*built, *found], "payloads are neither built nor held by a tag")
        taken = take(found, wanted, self.known)
        finalizing.attach_objects(taken, self.bench)
        for name, place in found.items():
            self.session.console.info(f"{name}: reused from {place.tag}")
        origins = {
            name: f"reused from {found[name].tag}" if name in found else "built" for name in names
        }
        return {**built, **taken.payloads}, origins
