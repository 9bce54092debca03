"""``goempy unpack``: payloads that other machines built."""

from __future__ import annotations

from pipeline.cli.requests import UnpackRequest
from pipeline.cli.workspace import Session
from pipeline.formats.payload.tarball import unpack_payloads


def unpack(request: UnpackRequest, session: Session) -> None:
    """Unpack every tar of payloads; none at all is no failure, since a run may build nothing."""
    out = request.out.resolve()
    with session.alone_in(out):
        cells = unpack_payloads(request.folder, out)
    for cell in cells:
        session.console.result(cell)
    session.console.info(f"{len(cells)} payloads below {request.folder}")
