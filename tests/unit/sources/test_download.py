"""Downloads: they outlast a bad line, and nothing that is not the pinned asset gets through."""

from __future__ import annotations

import gc
import hashlib
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from pipeline.config.model import Asset
from pipeline.sources.download import ATTEMPTS, Downloader, NotFoundError
from pipeline.sources.proxies import ProxiedTransport
from pipeline.system.errors import DigestError, DownloadError
from tests.fakes.http_server import Fault, Loopback, serve, untrusted
from tests.harness.limits import HANGS_AFTER_S

DATA = random.Random(7).randbytes(300_000)
ASSET = Asset("20261021", "asset.tar.zst", hashlib.sha256(DATA).hexdigest(), len(DATA))
PATH = f"/{ASSET.name}"


@dataclass
class Watcher:
    """Takes the place of a person at the terminal."""

    warnings: list[str] = field(default_factory=list)
    starts: list[tuple[int, int]] = field(default_factory=list)
    seen: int = 0
    fail_at: int = 1 << 60

    def start(self, title: str, total_bytes: int, done_bytes: int) -> Callable[[int], None]:
        assert title == ASSET.name
        self.starts.append((done_bytes, total_bytes))
        return self._advance

    def _advance(self, count: int) -> None:
        self.seen += count
        if self.seen > self.fail_at:
            raise KeyboardInterrupt

    def warning(self, text: str) -> None:
        self.warnings.append(text)


@dataclass
class Network:
    """A client, its watcher, and the pauses that it asked for instead of sleeping."""

    http: Downloader
    watcher: Watcher
    pauses: list[float]
    cache: Path
    server: Loopback

    def fetch(self, asset: Asset = ASSET) -> Path:
        return self.http.download(f"{self.server.address}{PATH}", asset, self.cache)

    def by_proxy(self, address: str) -> Downloader:
        transport = ProxiedTransport({"all": address}, "")
        return replace(self.http, client=httpx.Client(transport=transport))

    def left(self) -> set[str]:
        """What is in the cache, without lock files."""
        return {path.suffix for path in self.cache.iterdir() if path.suffix != ".lock"}


@pytest.fixture
def network(server: Loopback, tmp_path: Path) -> Iterator[Network]:
    server.files[PATH] = DATA
    watcher, pauses = Watcher(), list[float]()
    timeout = httpx.Timeout(HANGS_AFTER_S)
    with httpx.Client(timeout=timeout, follow_redirects=True) as client:
        http = Downloader(client, watcher, pauses.append)
        yield Network(http, watcher, pauses, tmp_path / "cache", server)


def test_a_good_download(network: Network) -> None:
    path = network.fetch()
    assert path.read_bytes() == DATA
    assert path.name == f"{ASSET.sha256[:16]}-asset.tar.zst"
    assert network.watcher.starts == [(0, len(DATA))]
    assert network.watcher.seen == len(DATA)


def test_a_second_run_asks_for_nothing(network: Network) -> None:
    network.fetch()
    network.fetch()
    assert network.server.gets(PATH) == [""]


def test_a_cached_file_that_changed_is_fetched_again(network: Network) -> None:
    path = network.fetch()
    path.write_bytes(DATA[:-1] + b"x")
    assert network.fetch().read_bytes() == DATA
    assert "is not the pinned asset; fetching it again" in network.watcher.warnings[0]


def test_a_broken_line_is_resumed_where_it_broke(network: Network) -> None:
    network.server.faults[PATH].extend([Fault(cut_after=100_000), Fault(cut_after=50_000)])
    assert network.fetch().read_bytes() == DATA
    first, second, third = network.server.gets(PATH)
    assert first == ""
    assert 0 < int(second.removeprefix("bytes=").rstrip("-")) <= 100_000
    assert int(second[6:-1]) < int(third[6:-1]) <= 150_000
    assert len(network.watcher.warnings) == 2


def test_a_killed_run_is_resumed_by_the_next(network: Network) -> None:
    network.watcher.fail_at = 0
    network.server.faults[PATH].append(Fault(cut_after=200_000))
    with pytest.raises(KeyboardInterrupt):
        network.fetch()
    assert network.left() == {".part"}
    network.watcher.fail_at = 1 << 60
    assert network.fetch().read_bytes() == DATA
    assert network.server.gets(PATH)[1].startswith("bytes=")
    assert network.left() == {".zst"}


def test_a_run_killed_just_before_the_rename(network: Network) -> None:
    path = network.fetch()
    path.rename(path.with_name(f"{path.name}.part"))
    assert network.fetch().read_bytes() == DATA
    assert len(network.server.gets(PATH)) == 1


@pytest.mark.parametrize("junk", [b"junk" * 10, DATA + b"more", b"x" * len(DATA)])
def test_a_part_that_is_no_beginning_of_the_asset(network: Network, junk: bytes) -> None:
    path = network.fetch()
    path.unlink()
    path.with_name(f"{path.name}.part").write_bytes(junk)
    assert network.fetch().read_bytes() == DATA


def test_a_server_without_ranges(network: Network) -> None:
    network.server.faults[PATH].extend([Fault(cut_after=1000), Fault(ignore_range=True)])
    assert network.fetch().read_bytes() == DATA
    assert network.server.gets(PATH)[2] == ""


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
def test_a_server_s_bad_moment(network: Network, status: int) -> None:
    network.server.faults[PATH].extend([Fault(status)] * 3)
    assert network.fetch().read_bytes() == DATA
    assert len(network.pauses) == 3
    assert network.pauses[0] < network.pauses[1] < network.pauses[2]
    assert f"the server answers {status}; attempt 2 of {ATTEMPTS}" in network.watcher.warnings[0]


@pytest.mark.parametrize(("value", "pause"), [("7", 7), ("3600", 30)])
def test_retry_after_is_kept_to_as_long_as_anyone_waits(
    network: Network, value: str, pause: float
) -> None:
    network.server.faults[PATH].append(Fault(503, (("Retry-After", value),)))
    network.fetch()
    assert network.pauses == [pause]


def test_retry_after_may_be_a_date(network: Network) -> None:
    soon = formatdate(time.time() + 25, usegmt=True)
    network.server.faults[PATH].append(Fault(503, (("Retry-After", soon),)))
    network.fetch()
    assert 0 < network.pauses[0] <= 25


def test_a_server_that_stays_down(network: Network) -> None:
    network.server.faults[PATH].extend([Fault(503)] * ATTEMPTS)
    with pytest.raises(DownloadError, match=r"tried 6 times.: the server answers 503") as caught:
        network.fetch()
    assert "GOEMPY_PBS_MIRROR" in caught.value.hint
    assert network.left() <= {".part"}


def test_no_server_at_all(network: Network) -> None:
    network.server.address = "http://127.0.0.1:9"
    with pytest.raises(DownloadError, match=r"cannot fetch http://127\.0\.0\.1:9/asset"):
        network.fetch()
    assert "no connection to 127.0.0.1" in network.watcher.warnings[0]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named(network: Network, scheme: str) -> None:
    with pytest.raises(
        DownloadError, match=r"tried 6 times.: no connection to the proxy"
    ) as caught:
        network.by_proxy("127.0.0.1:9").text(f"{scheme}://a.example/file")
    assert "HTTPS_PROXY" in caught.value.hint


@pytest.mark.parametrize("url", ["http://a.example/file", "https://a.example/file"])
def test_a_proxy_that_asks_for_a_password(network: Network, url: str) -> None:
    asked = url if url.startswith("http:") else "a.example:443"
    network.server.faults[asked].append(Fault(407))
    with pytest.raises(
        DownloadError, match=r"once.: the proxy \S+ answers: 407 Proxy Auth"
    ) as caught:
        network.by_proxy(network.server.address).text(url)
    assert "user and password" in caught.value.hint


def test_a_proxy_s_bad_moment(network: Network) -> None:
    network.server.faults["a.example:443"].extend([Fault(502), Fault(429), Fault(403)])
    with pytest.raises(DownloadError, match=r"tried 3 times.: the proxy \S+ answers: 403 Forb"):
        network.by_proxy(network.server.address).text("https://a.example/file")


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\5\377"])
def test_a_server_that_is_not_a_socks_proxy(network: Network, answer: bytes) -> None:
    def serve_once() -> None:
        for _ in range(ATTEMPTS):
            with listening.accept()[0] as connection:
                connection.recv(100)
                connection.sendall(answer)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve_once, daemon=True)
        thread.start()
        proxy = f"socks5://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(DownloadError, match=r"the proxy \S+ answers: ") as caught:
            network.by_proxy(proxy).text("http://a.example/file")
        thread.join()
    assert "ALL_PROXY" in caught.value.hint
    del caught
    gc.collect()  # httpcore leaves the sockets of such proxies to it


def test_what_goes_wrong_through_a_proxy_names_it(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        proxy = f"127.0.0.1:{silent.getsockname()[1]}"
        transport = ProxiedTransport({"all": proxy}, "")
        client = httpx.Client(transport=transport, timeout=0.05)
        with pytest.raises(DownloadError, match=f"timed out, through the proxy {proxy}"):
            replace(network.http, client=client).text("https://a.example/file")


@pytest.mark.parametrize("url", ["http://a..b/x", "http://" + "a" * 64 + "/x", "http://xn--a/x"])
def test_a_name_that_cannot_be_looked_up(network: Network, url: str) -> None:
    network.server.faults["/moved"].append(Fault(302, (("Location", url),)))
    for each in (url, f"{network.server.address}/moved"):
        with pytest.raises(DownloadError, match="not the address of a server"):
            network.http.text(each)


@pytest.mark.parametrize("status", [0, 403])
def test_no_password_is_shown(network: Network, status: int) -> None:
    network.server.faults[PATH].append(Fault(status))
    network.server.files[PATH] = DATA[1:]
    address = network.server.address.replace("//", "//user:secret@")
    with pytest.raises((DownloadError, DigestError)) as caught:
        network.http.download(f"{address}{PATH}", ASSET, network.cache)
    assert "secret" not in str(caught.value)


def test_a_certificate_that_is_not_trusted(network: Network) -> None:
    with serve(untrusted()) as server:
        for client in (network.http, network.by_proxy(server.address)):
            with pytest.raises(DownloadError, match=r"tried once.: .*certificate verify") as caught:
                client.text(f"{server.address}/file")
            assert "SSL_CERT_FILE" in caught.value.hint


def test_a_server_that_never_answers(network: Network) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent, httpx.Client(timeout=0.05) as client:
        http = Downloader(client, network.watcher, network.pauses.append)
        with pytest.raises(DownloadError, match="tried 6 times"):
            http.text(f"http://127.0.0.1:{silent.getsockname()[1]}/")


def test_a_date_that_is_none_is_passed_over(network: Network) -> None:
    network.server.faults[PATH].append(Fault(503, (("Retry-After", "Fri, whenever"),)))
    assert network.fetch().read_bytes() == DATA


def test_a_stall_in_the_middle_is_resumed(network: Network) -> None:
    network.server.faults[PATH].append(Fault(stall_after=100_000))
    with httpx.Client(timeout=2) as client:
        http = Downloader(client, network.watcher, network.pauses.append)
        path = http.download(f"{network.server.address}{PATH}", ASSET, network.cache)
    assert path.read_bytes() == DATA
    assert network.server.gets(PATH)[1].startswith("bytes=")


def test_refused_for_good(network: Network) -> None:
    network.server.faults[PATH].append(Fault(403))
    with pytest.raises(DownloadError, match="answers 403 Forbidden"):
        network.fetch()
    assert len(network.server.gets(PATH)) == 1


def test_an_address_of_another_kind(network: Network) -> None:
    with pytest.raises(DownloadError, match="tried once"):
        network.http.text("gopher://127.0.0.1/x")


def test_not_found_is_for_the_caller(network: Network) -> None:
    with pytest.raises(NotFoundError):
        network.http.text(f"{network.server.address}/none")
    with pytest.raises(NotFoundError):
        network.http.size(f"{network.server.address}/none")


@pytest.mark.parametrize("status", [403, 405])
def test_a_size_where_head_is_refused(network: Network, status: int) -> None:
    network.server.faults[PATH].append(Fault(status))
    assert network.http.size(f"{network.server.address}{PATH}") == len(DATA)
    assert [method for method, _path, _range in network.server.requests] == ["HEAD", "GET"]


def test_other_bytes_of_the_same_size(network: Network) -> None:
    network.server.files[PATH] = DATA[:-1] + bytes([DATA[-1] ^ 1])
    with pytest.raises(DigestError) as caught:
        network.fetch()
    (fault,) = caught.value.details
    assert fault.startswith(f"sha256: pinned {ASSET.sha256}, found ")
    assert network.left() == set()


def test_a_longer_file_is_not_read_to_its_end(network: Network) -> None:
    network.server.files[PATH] = DATA + bytes(50 << 20)
    with pytest.raises(DigestError) as caught:
        network.fetch()
    assert caught.value.details[0].startswith(f"size: pinned {len(DATA)} bytes, found at least")
    assert network.watcher.seen < 10 << 20
    assert network.left() == set()


def test_a_shorter_file(network: Network) -> None:
    network.server.files[PATH] = DATA[:1000]
    with pytest.raises(DigestError) as caught:
        network.fetch()
    assert caught.value.details[0] == f"size: pinned {len(DATA)} bytes, found 1000"
    assert network.left() == set()


def test_two_at_once_fetch_once(network: Network) -> None:
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(network.fetch().read_bytes()))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [DATA] * 4
    assert len(network.server.gets(PATH)) == 1
