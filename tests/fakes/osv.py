"""OSV's API on loopback, and its exports in a folder, with the same records.

Its rules are those of gcp/api/server.py of google/osv.dev: a result for each query in order, ids
without records, an empty object where nothing is found, a token where a page is full.
"""

from __future__ import annotations

import json
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.http_server import Loopback

Record = dict[str, Any]
_ECOSYSTEMS = {"GIT", "PyPI"}


@dataclass
class Osv:
    """Records by id; ``page`` is how many ids an answer to one query has at most."""

    server: Loopback
    records: dict[str, Record] = field(default_factory=dict)
    page: int = 1000
    queries: list[Record] = field(default_factory=list)
    """All that were asked, in order."""

    def __post_init__(self) -> None:
        self.server.posts["/v1/querybatch"] = self._answer

    @property
    def address(self) -> str:
        return self.server.address

    def add(self, *records: Record) -> None:
        for each in records:
            self.records[each["id"]] = each
            self.server.files[f"/v1/vulns/{each['id']}"] = json.dumps(each).encode()

    def export(self, folder: Path) -> Path:
        """Write ``ECOSYSTEM/all.zip`` for both ecosystems."""
        for ecosystem in _ECOSYSTEMS:
            path = folder / ecosystem / "all.zip"
            path.parent.mkdir(parents=True, exist_ok=True)
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as export:
                for each in self.records.values():
                    if ecosystem in {_ecosystem(one) for one in each["affected"]}:
                        export.writestr(f"{each['id']}.json", json.dumps(each))
        return folder

    def _answer(self, body: bytes) -> tuple[int, bytes]:
        queries = json.loads(body)["queries"]
        if len(queries) > 1000:
            return 400, json.dumps({"code": 3, "message": "Too many queries."}).encode()
        self.queries += queries
        results = []
        for query in queries:
            package = query["package"]
            if package.get("ecosystem") not in _ECOSYSTEMS or not query.get("version"):
                return 400, json.dumps({"code": 3, "message": "Invalid query."}).encode()
            results.append(self._result(package, query))
        return 200, json.dumps({"results": results}).encode()

    def _result(self, package: Record, query: Record) -> Record:
        found = [
            {"id": each["id"], "modified": each["modified"]}
            for each in self.records.values()
            if any(_matches(one, package, query["version"]) for one in each["affected"])
        ]
        first = int(query.get("page_token", "0"))
        page = found[first : first + self.page]
        result: Record = {"vulns": page} if page else {}
        if first + self.page < len(found):
            result["next_page_token"] = str(first + self.page)
        return result


def _ecosystem(affected: Record) -> str:
    ecosystem: str = affected.get("package", {"ecosystem": "GIT"})["ecosystem"]
    return ecosystem


def _matches(affected: Record, package: Record, version: str) -> bool:
    if _ecosystem(affected) != package["ecosystem"] or version not in affected["versions"]:
        return False
    if package["ecosystem"] == "GIT":
        return package["name"] in {each["repo"] for each in affected["ranges"]}
    return bool(package["name"] == affected["package"]["name"])


def git_record(name: str, repo: str, *tags: str, **more: object) -> Record:
    """A record as OSV makes them of CVEs and of the Python Software Foundation's advisories.

    The shape is that of CVE-2023-4874 and PSF-2024-8.
    """
    commits = [{"introduced": "0"}, {"fixed": "795f2597a4be988e2bb19b69ff9958e981cb894e"}]
    return {
        "id": name,
        "details": f"There is a MEDIUM severity vulnerability {name}.\n\nIt has a second line.",
        "modified": "2026-10-09T08:56:40.940Z",
        "published": "2026-09-10T03:15:18.080Z",
        "references": [
            {"type": "WEB", "url": f"https://web.example/{name}"},
            {"type": "ADVISORY", "url": f"https://advisories.example/{name}"},
        ],
        "affected": [
            {
                "ranges": [{"type": "GIT", "repo": repo, "events": commits}],
                "versions": list(tags),
                "database_specific": {"source": f"https://records.example/{name}.json"},
            }
        ],
        "schema_version": "1.7.3",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:N/I:N/A:H"}],
        **more,
    }


def pypi_record(name: str, package: str, fixed: str, *versions: str, **more: object) -> Record:
    """A record of GitHub's or PyPI's advisories, with the versions that OSV adds."""
    return {
        "id": name,
        "summary": f"{package} has {name}",
        "details": "### Impact\n\nLong.",
        "modified": "2026-02-02T20:14:15.302Z",
        "published": "2025-09-24T15:31:14Z",
        "references": [{"type": "ADVISORY", "url": f"https://advisories.example/{name}"}],
        "affected": [
            {
                "package": {"ecosystem": "PyPI", "name": package, "purl": f"pkg:pypi/{package}"},
                "ranges": [
                    {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}
                ],
                "versions": list(versions),
            }
        ],
        "schema_version": "1.7.3",
        "severity": [{"type": "CVSS_V4", "score": "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:A/VC:N/VI:H"}],
        "database_specific": {"severity": "MODERATE"},
        **more,
    }
