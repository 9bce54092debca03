"""Known vulnerabilities of packages, from OSV: its API, or its exports in a folder.

Sources: google.github.io/osv.dev ("POST /v1/querybatch", "GET /v1/vulns/{id}", "Data sources").
"""

from __future__ import annotations

import json
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from pipeline.formats.osv import GIT, OsvPackage, Vulnerability, repository_key
from pipeline.sources.download import Downloader, NotFoundError, shown
from pipeline.sources.source import is_address
from pipeline.system.errors import ArchiveError, DownloadError, UsageError
from pipeline.system.validation import validation_faults

OSV_API = "https://api.osv.dev"
OTHER_OSV = "--osv or GOEMPY_OSV names another address, or a folder of OSV's exports."
"""``Downloader.other_source`` for the API."""
EXPORT = "all.zip"
_BATCH = 1000
"""Queries in one request, the most that the API takes."""
_Model = TypeVar("_Model", bound=BaseModel)

Found = Mapping[OsvPackage, tuple[Vulnerability, ...]]
"""What affects each package, by id."""


class VulnerabilityDatabase(Protocol):
    """Where vulnerabilities are looked up."""

    def find(self, packages: Iterable[OsvPackage]) -> Found:
        """What affects the packages."""


def open_database(
    name: str, downloader: Callable[[], Downloader], given_as: str
) -> VulnerabilityDatabase:
    """The database that ``name`` means: an API's address, or a folder of exports.

    Raises ``UsageError``, which names ``given_as``.
    """
    if is_address(name, given_as):
        return OsvApi(name.rstrip("/"), downloader())
    if not Path(name).is_dir():
        raise UsageError(
            f"{given_as} {name} is neither an http(s) address nor a folder",
            hint=f"Name an API such as {OSV_API}, or a folder with ECOSYSTEM/{EXPORT} in it.",
        )
    return OsvExport(Path(name))


class _Id(BaseModel, frozen=True):
    id: str


class _Result(BaseModel, frozen=True):
    vulns: tuple[_Id, ...] = ()
    next_page_token: str = ""


class _Batch(BaseModel, frozen=True):
    results: tuple[_Result, ...] = ()


@dataclass(frozen=True, slots=True)
class OsvApi:
    """The API of OSV, or a mirror of it, at ``address``."""

    address: str
    http: Downloader

    def find(self, packages: Iterable[OsvPackage]) -> Found:
        """Ask for ids by the batch, and for each record once; raises ``DownloadError``."""
        ids: dict[OsvPackage, dict[str, None]] = {each: {} for each in packages}
        pages = [(each, "") for each in ids]
        while pages:
            batch, pages = pages[:_BATCH], pages[_BATCH:]
            for (package, _token), result in zip(batch, self._ask(batch), strict=True):
                ids[package].update(dict.fromkeys(each.id for each in result.vulns))
                if result.next_page_token:
                    pages.append((package, result.next_page_token))
        records = {
            each: self._record(each) for each in sorted({i for own in ids.values() for i in own})
        }
        return {
            package: tuple(records[each] for each in sorted(own) if not records[each].withdrawn)
            for package, own in ids.items()
        }

    def _ask(self, batch: Sequence[tuple[OsvPackage, str]]) -> tuple[_Result, ...]:
        url = f"{self.address}/v1/querybatch"
        queries = [_query(package, token) for package, token in batch]
        try:
            text = self.http.post(url, json.dumps({"queries": queries}))
        except NotFoundError as missing:
            raise self._no_api(url, "there is nothing") from missing
        results = self._parse(_Batch, text, url).results
        if len(results) != len(batch):
            raise self._no_api(url, f"{len(results)} results for {len(batch)} queries")
        return results

    def _record(self, name: str) -> Vulnerability:
        url = f"{self.address}/v1/vulns/{quote(name, safe='')}"
        try:
            return self._parse(Vulnerability, self.http.text(url), url)
        except NotFoundError as missing:
            raise self._no_api(url, "it has no record that it lists") from missing

    def _parse(self, model: type[_Model], text: str, url: str) -> _Model:
        try:
            return model.model_validate_json(text)
        except ValidationError as fault:
            raise self._no_api(url, validation_faults(fault)[0]) from fault

    def _no_api(self, url: str, why: str) -> DownloadError:
        return DownloadError(
            f"{shown(url)} does not answer as OSV's API does: {why}",
            hint=f"Check the address, and the proxies on the way to it. {OTHER_OSV}",
        )


def _query(package: OsvPackage, token: str) -> dict[str, object]:
    named = {"ecosystem": package.ecosystem, "name": package.name}
    page = {"page_token": token} if token else {}
    return {"package": named, "version": package.version, **page}


@dataclass(frozen=True, slots=True)
class OsvExport:
    """A folder with OSV's exports, ``ECOSYSTEM/all.zip``: for machines without network."""

    folder: Path

    def find(self, packages: Iterable[OsvPackage]) -> Found:
        """Search the exports of the packages' ecosystems.

        Raises ``UsageError`` for those that are missing and ``ArchiveError`` for a damaged one.
        """
        wanted: dict[str, list[OsvPackage]] = {}
        for each in dict.fromkeys(packages):
            wanted.setdefault(each.ecosystem, []).append(each)
        paths = {ecosystem: self.folder / ecosystem / EXPORT for ecosystem in wanted}
        if missing := [str(path) for path in paths.values() if not path.is_file()]:
            raise UsageError(
                f"{self.folder} lacks exports of OSV",
                details=missing,
                hint="Download them from OSV; 'Audits' in docs/maintaining.md says where they are.",
            )
        found: dict[OsvPackage, list[Vulnerability]] = {}
        for ecosystem, several in wanted.items():
            found |= {each: [] for each in several}
            for record in _read_export(paths[ecosystem], several):
                for package in several:
                    if record.affects(package):
                        found[package].append(record)
        return {each: tuple(sorted(rows, key=lambda row: row.id)) for each, rows in found.items()}


def _read_export(path: Path, packages: Sequence[OsvPackage]) -> Iterator[Vulnerability]:
    """The records that mention one of the packages: most of an export are of others."""
    needles = [_needle(each) for each in packages]
    try:
        with zipfile.ZipFile(path) as export:
            for name in export.namelist():
                data = export.read(name)
                text = data.lower()
                if name.endswith(".json") and any(needle in text for needle in needles):
                    yield Vulnerability.model_validate_json(data)
    except (zipfile.BadZipFile, zlib.error, EOFError, ValidationError) as fault:
        raise ArchiveError(
            f"{path} is not an export of OSV: {_reason(fault)}", hint="Download it again."
        ) from fault


def _needle(package: OsvPackage) -> bytes:
    """What every record of a package contains in lower case."""
    name = repository_key(package.name) if package.ecosystem == GIT else package.name.lower()
    # Repositories and packages are spelled in several ways around their last part.
    return name.rpartition("/")[2].replace("_", "-").partition("-")[0].encode()


def _reason(fault: Exception) -> str:
    return validation_faults(fault)[0] if isinstance(fault, ValidationError) else str(fault)
