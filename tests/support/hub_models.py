"""A server on this machine that lays models out as the Hugging Face hub does."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

ABOUT = re.compile(r"/api/models/(?P<id>[^/]+/[^/]+)(?:/(?:revision|tree)/(?P<revision>[^/]+))?")
FILE = re.compile(r"/(?P<id>[^/]+/[^/]+)/resolve/(?P<revision>[^/]+)/(?P<path>.+)")


class HubModels(http.server.ThreadingHTTPServer):
    """Serves the models that were put on it: their `main` revision, and its commit by name."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models: dict[str, Path] = {}
        self.gated: set[str] = set()
        self.asked: list[str] = []  # paths
        self.fetched: list[str] = []  # names of files

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def put(self, name: str, folder: Path, gated: bool = False) -> None:
        self.models[name] = folder
        self.gated |= {name} if gated else set()

    def files(self, name: str) -> dict[str, bytes]:
        folder = self.models[name]
        paths = sorted(path for path in folder.rglob("*") if path.is_file())
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    def commit(self, name: str) -> str:
        return hashlib.sha1(repr(self.files(name)).encode()).hexdigest()


class Handler(http.server.BaseHTTPRequestHandler):
    server: HubModels

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, body: bool) -> None:
        path = unquote(self.path.partition("?")[0])
        self.server.asked.append(path)
        found = ABOUT.fullmatch(path) or FILE.fullmatch(path)
        name = found["id"] if found else ""
        if name not in self.server.models:
            return self._refuse(404, "RepoNotFound")
        commit = self.server.commit(name)
        if found["revision"] not in (None, "main", commit):
            return self._refuse(404, "RevisionNotFound")
        if path.startswith("/api/"):
            return self._tell(name, commit, tree="/tree/" in path)
        if name in self.server.gated:
            return self._refuse(403, "GatedRepo")
        return self._give(name, commit, found["path"], body)

    def _tell(self, name: str, commit: str, tree: bool) -> None:
        told: Any = {"id": name, "sha": commit, "siblings": []}
        if tree:
            told = [
                {"type": "file", "path": path, "size": len(content), "oid": _oid(content)}
                for path, content in self.server.files(name).items()
            ]
        self._send(json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _give(self, name: str, commit: str, path: str, body: bool) -> None:
        content = self.server.files(name).get(path)
        if content is None:
            return self._refuse(404, "EntryNotFound")
        if body:
            self.server.fetched.append(path)
        headers = {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": commit}
        return self._send(content, headers, body)

    def _refuse(self, status: int, code: str) -> None:
        self._send(b"", {"X-Error-Code": code, "X-Error-Message": code}, status=status)

    def _send(
        self, content: bytes, headers: dict[str, str], body: bool = True, status: int = 200
    ) -> None:
        self.send_response(status)
        for key, value in {**headers, "Content-Length": str(len(content))}.items():
            self.send_header(key, value)
        self.end_headers()
        if body:
            with suppress(BrokenPipeError):
                self.wfile.write(content)

    def log_message(self, *arguments: object) -> None:
        pass


def _oid(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


@contextmanager
def serving() -> Iterator[HubModels]:
    with HubModels() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
