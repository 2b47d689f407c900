"""Files whose checksum only the hub knows are held to what it says, and then found offline."""

from __future__ import annotations

import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aacbench import assets, fetch, hub
from aacbench.assets import Asset
from aacbench.errors import AacbenchError, BadData

LARGE = bytes(range(256)) * 3000
SMALL = b'{"model_type": "clap"}'


class Hub(http.server.ThreadingHTTPServer):
    """The hub's way of answering: small files itself, large ones by sending on to a store."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.says: dict[str, str] = {}
        self.store = LARGE

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        headers: dict[str, str] = {}
        status, content = 200, b""
        if self.path.startswith("/old-name/"):
            status, headers["Location"] = 307, self.path.replace("/old-name/", "/laion/clap/")
        elif self.path.endswith("/model.bin"):
            status = 302
            headers["Location"] = f"{self.server.url}/store/blob"
            headers["X-Linked-Etag"] = f'"{hashlib.sha256(LARGE).hexdigest()}"'
            headers["X-Linked-Size"] = str(len(LARGE))
        elif self.path == "/store/blob":
            content = self.server.store
        elif self.path.endswith("/config.json"):
            content = SMALL
            git = hashlib.sha1(b"blob %d\0" % len(SMALL) + SMALL).hexdigest()
            headers["ETag"] = f'W/"{git}"'
        else:
            status = 404
        headers |= {"Content-Length": str(len(content))} | self.server.says
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if body:
            self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def server(tmp_path, monkeypatch) -> Iterator[Hub]:
    """A hub that ``HF_ENDPOINT`` names; nothing of the user's own is seen or touched."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in ("AACBENCH_ASSETS", "HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with Hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", f"{server.url}/")
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def entry(file: str, repository: str = "laion/clap", size: int = 1_000_000) -> Asset:
    url = f"{hub.HUB}/{repository}/resolve/main/{file}"
    return Asset("t", f"t/{file}", url, size, "Apache-2.0", f"{hub.HUB}/{repository}")


@pytest.mark.parametrize(
    ("file", "content"), [("model.bin", LARGE), ("config.json", SMALL)], ids=["large", "small"]
)
def test_a_file_is_held_to_the_hubs_checksum_and_noted(server, tmp_path, file, content):
    path = fetch.download(entry(file), tmp_path, pause=0.001)
    assert path.read_bytes() == content
    note = assets.note_of(path).read_text(encoding="utf-8")
    assert note == f"{hashlib.sha256(content).hexdigest()}  {file}\n"
    assets.check(entry(file), path)


def test_a_repository_that_moved_is_followed(server, tmp_path):
    path = fetch.download(entry("model.bin", "old-name"), tmp_path, pause=0.001)
    assert path.read_bytes() == LARGE


def test_other_bytes_than_the_hub_speaks_of_are_deleted(server, tmp_path):
    server.store = bytes(len(LARGE))
    with pytest.raises(AacbenchError, match=r"its bytes were wrong .* are deleted"):
        fetch.download(entry("model.bin"), tmp_path, pause=0.001)
    assert [path.name for path in (tmp_path / "t").iterdir() if path.suffix != ".lock"] == []


def test_a_hub_that_gives_no_checksum_is_not_believed(server, tmp_path):
    server.says = {"X-Linked-Etag": "anything"}
    with pytest.raises(AacbenchError, match="gives no checksum") as caught:
        fetch.download(entry("model.bin"), tmp_path, pause=0.001)
    assert "HF_ENDPOINT" in caught.value.hint


def test_a_file_that_the_hub_does_not_have_is_named(server, tmp_path):
    with pytest.raises(AacbenchError, match=r"could not ask the hub about t at .*/gone\.bin"):
        fetch.download(entry("gone.bin"), tmp_path, pause=0.001)


def test_a_hub_that_cannot_be_reached_says_what_to_do(server, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(AacbenchError, match="could not ask the hub") as caught:
        fetch.download(entry("model.bin"), tmp_path, pause=0.001)
    assert "t/model.bin" in caught.value.hint


def test_a_group_is_fetched_once_and_then_found_offline(server, tmp_path, monkeypatch):
    known = {"t/model": entry("model.bin"), "t/config": entry("config.json")}
    known = {name: Asset(**{**vars(asset), "name": name}) for name, asset in known.items()}
    monkeypatch.setattr(assets, "_table", lambda: (known, {"all": tuple(known)}))
    first = fetch.fetch("all", pause=0.001)
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    assert fetch.fetch("all", pause=0.001) == first
    assert [assets.find(name) for name in known] == first


def test_bytes_that_nothing_vouches_for_are_not_an_asset(server, tmp_path, monkeypatch):
    known = {"t": entry("model.bin")}
    monkeypatch.setattr(assets, "_table", lambda: (known, {}))
    path = tmp_path / "cache/aacbench/assets/t/model.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(LARGE)
    with pytest.raises(BadData, match="nothing vouches for these bytes") as caught:
        assets.find("t")
    assert "aacbench data fetch t" in caught.value.hint
    assets.note_of(path).write_text(f"{'0' * 64}  model.bin\n", encoding="utf-8")
    with pytest.raises(BadData, match="its sha256 is"):
        assets.find("t")
    assert fetch.fetch("t", pause=0.001) == [path]
    assert assets.find("t") == path


def test_only_addresses_on_the_hub_are_sent_to_a_mirror(monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example/")
    assert hub.address(f"{hub.HUB}/a/b") == "https://mirror.example/a/b"
    assert hub.address("https://github.com/a/b") == "https://github.com/a/b"
    monkeypatch.delenv("HF_ENDPOINT")
    assert hub.address(f"{hub.HUB}/a/b") == f"{hub.HUB}/a/b"


def test_a_file_of_unknown_checksum_elsewhere_is_refused(tmp_path):
    elsewhere = Asset("t", "t/a", "https://example.org/a", 1, "CC0-1.0", "https://example.org")
    with pytest.raises(AacbenchError, match="is not on the hub"):
        fetch.download(elsewhere, Path(tmp_path), pause=0.001)
