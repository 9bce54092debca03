"""Where the payloads of a release come from: those just built, and those of earlier tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pipeline.config.model import PIP_CELL, Cell, Pin
from pipeline.config.project import Config
from pipeline.formats.payload.reader import Payload
from pipeline.release.compare import PartComparison, compare_parts
from pipeline.release.payload_dir import payload_names, require_all
from pipeline.release.tag_index import PayloadLocation, TagIndex, expected_digests
from pipeline.release.tagging import TagWorkspace, attach_objects


@dataclass(frozen=True, slots=True)
class PayloadSet:
    """All payloads of a release, and where each comes from, by cell name."""

    payloads: Mapping[str, Payload]
    origins: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PayloadResolver:
    """Resolves the payloads of ``cells``; ``pins`` are by asset name."""

    config: Config
    cells: tuple[Cell, ...]
    pins: Mapping[str, Pin]
    known: TagIndex
    workspace: TagWorkspace

    def is_released(self) -> bool:
        """Whether every line has its tag of this VERSION."""
        return all(self.config.tag_of(cell.line) in self.known.commits for cell in self.cells)

    def compare(self, built: Mapping[str, Payload], *, strict: bool) -> tuple[PartComparison, ...]:
        """Compare what was built with the tags; ``strict`` if they must have each of it."""
        places = {
            cell.name: PayloadLocation(self.config.tag_of(cell.line), cell.platform.name)
            for cell in self.cells
        }
        # Every tag has the same pip.
        places[PIP_CELL] = PayloadLocation(self.config.tag_of(self.cells[0].line), PIP_CELL)
        asked = {name: places[name] for name in built}
        trees = self.known.trees(list(dict.fromkeys(each.tag for each in asked.values())))
        self.workspace.borrow_objects(each.git for each in trees.values())
        parts = [
            (name, place.part, trees[place.tag])
            for name, place in asked.items()
            # A tag that is not a release at all is reported when whole trees are compared.
            if strict or place.part in trees[place.tag].parts
        ]
        return compare_parts(parts, built, self.workspace)

    def complete(self, built: Mapping[str, Payload]) -> PayloadSet:
        """Add what tags hold; raises ``PayloadError`` for what is neither built nor held."""
        names = payload_names(self.cells, self.config.matrix)
        digests = expected_digests(self.cells, self.config.matrix, self.pins)
        wanted = {name: digests[name] for name in names if name in digests and name not in built}
        found = self.known.find(wanted) if wanted else {}
        require_all(names, [*built, *found], "payloads are neither built nor held by a tag")
        reused = self.known.reuse(found, wanted)
        attach_objects(reused, self.workspace)
        origins = {
            name: f"reused from {found[name].tag}" if name in found else "built" for name in names
        }
        return PayloadSet({**built, **reused.payloads}, origins)
