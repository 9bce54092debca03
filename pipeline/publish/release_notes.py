"""The notes of a release, in Markdown: what a tag contains, and what is new on its line.

Pure: facts in, text out. The same tags give the same text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from pipeline.config.model import LOCAL
from pipeline.config.tags import sort_key
from pipeline.publish.tag_facts import TagFacts
from pipeline.system.units import human_bytes

PICTURE = "sizes.svg"
SUMS = "SHA256SUMS"
NOTES = "notes.md"
"""Not uploaded: its heading is the title of the release, the rest its text."""
_FIRST: Mapping[str, str] = {"openssl": "OpenSSL", "sqlite": "SQLite"}
"""Listed first and always; as their makers spell them."""


@dataclass(frozen=True, slots=True)
class ReleaseSite:
    """Where releases are: the ``server``'s address and ``owner/name`` there."""

    server: str
    repository: str

    def asset(self, tag: str, name: str) -> str:
        """The address of a file of a release."""
        return f"{self.server}/{self.repository}/releases/download/{quote(tag)}/{quote(name)}"

    @property
    def for_gh(self) -> str:
        """As ``gh --repo`` takes it."""
        host = urlsplit(self.server).netloc
        return self.repository if host == "github.com" else f"{host}/{self.repository}"


def site_of(module: str) -> ReleaseSite:
    """Where a module's releases are: its path is that of its repository."""
    host, owner, name = module.split("/")[:3]
    return ReleaseSite(f"https://{host}", f"{owner}/{name}")


def release_notes(now: TagFacts, before: TagFacts | None, site: ReleaseSite) -> str:
    """The notes of ``now``; ``before`` is the last tag of its line."""
    blocks = [
        f"# {_title(now)}",
        f"    go get {now.module}@{now.tag}",
        *_warning(now),
        "\n".join(_platforms(now, before)),
        "\n".join(_changes(now, before)),
        *_end_of_life(now),
        f"![Sizes by step, kind of file and package]({site.asset(now.tag, PICTURE)})",
        "\n".join(_verification(now, site)),
    ]
    return "\n\n".join(blocks) + "\n"


def _title(now: TagFacts) -> str:
    local = now.line.pbs == LOCAL
    source = "a local interpreter" if local else f"python-build-standalone {now.line.pbs}"
    return f"{now.tag}: Python {now.line.name} ({source})"


def _warning(now: TagFacts) -> Iterator[str]:
    if sort_key(now.tag).prerelease:
        yield (
            "> [!WARNING]\n"
            f"> `go get -u` leaves Python {now.line.minor_name}: it moves to the newest tag "
            "without `-py`, a different Python. Name the tag to stay on this line."
        )


def _platforms(now: TagFacts, before: TagFacts | None) -> Iterator[str]:
    yield "| platform | adds to a Go binary |" + (f" since {before.tag} |" if before else "")
    yield "|---|--:|" + ("--:|" if before else "")
    for name, size in now.embedded.items():
        row = f"| {name} | {human_bytes(size)} |"
        if before:
            old = before.embedded.get(name)
            row += f" {'new' if old is None else _percent(old, size)} |"
        yield row


def _changes(now: TagFacts, before: TagFacts | None) -> Iterator[str]:
    if before is None:
        yield (
            f"The first release of Python {now.line.minor_name} here; "
            f"`go get` fetches {human_bytes(now.module_bytes)}."
        )
        return
    yield f"Since {before.tag}:"
    yield ""
    yield f"- {_moved('Python', before.line.name, now.line.name)}"
    yield f"- {_moved('python-build-standalone', before.line.pbs, now.line.pbs)}"
    yield from _software(before.software, now.software)
    gone = before.embedded.keys() - now.embedded.keys()
    yield from (f"- {name} is no longer included" for name in sorted(gone))
    sizes = [human_bytes(each.module_bytes) for each in (before, now)]
    percent = _percent(before.module_bytes, now.module_bytes)
    yield f"- `go get` fetches {sizes[0]} → {sizes[1]} ({percent})"


def _end_of_life(now: TagFacts) -> Iterator[str]:
    if now.end_of_life:
        yield f"CPython fixes Python {now.line.python.minor_line} until {now.end_of_life:%B %Y}."


def _moved(name: str, before: str, now: str) -> str:
    return f"{name} {now}, unchanged" if before == now else f"{name} {before} → {now}"


def _software(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """A row for each whose version changed, and for those of ``_FIRST``."""
    if not old or not new:
        # A payload that lists no libraries contains them all the same.
        return
    for name in sorted({*old, *new}, key=lambda each: (each not in _FIRST, each)):
        title = _FIRST.get(name, name)
        before, now = old.get(name), new.get(name)
        if before is None:
            yield f"- {title} {now or ''}".rstrip() + " is new"
        elif now is None:
            yield f"- {title} {before}".rstrip() + " is gone"
        elif before and now and (before != now or name in _FIRST):
            yield f"- {_moved(title, before, now)}"


def _percent(before: int, now: int) -> str:
    return "unchanged" if before == now else f"{100 * (now - before) / before:+.1f} %"


def _verification(now: TagFacts, site: ReleaseSite) -> Iterator[str]:
    yield "To verify this release, rebuild it from its sources, and check who built its files:"
    yield ""
    yield f"    goempy verify {now.tag}"
    yield f"    gh release download {now.tag} --repo {site.for_gh} --pattern {SUMS}"
    yield f"    gh attestation verify {SUMS} --repo {site.for_gh}"
