"""Downloading with npm: its words, and, from a registry on this machine, that no script of a package runs."""

import hashlib
import io
import json
import os
import shutil
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from codegem.data.registries.corpus_manifest import Package
from codegem.data.registries.downloads import TransientError
from codegem.data.registries.npm_client import NpmClient
from codegem.errors import UserError

needs_npm = pytest.mark.skipif(shutil.which("npm") is None, reason="this machine has no npm")


def package(content: bytes = b"") -> Package:
    return Package(
        "npm", "@scope/one", "1.0.0", "MIT", "scope-one-1.0.0.tgz", hashlib.sha256(content).hexdigest(), "train"
    )


@pytest.fixture
def into(tmp_path: Path) -> Path:
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def npm_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a small program in npm's place."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_without_npm_the_way_out_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match=r"install Node\.js"):
        NpmClient()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("npm error code ETIMEDOUT", TransientError),
        ("npm error code E503", TransientError),
        ("npm error code E404", UserError),
        ("npm error code ETARGET", UserError),
    ],
)
def test_npms_words_are_understood(
    tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch, words: str, kind: type[Exception]
) -> None:
    npm_that(tmp_path, monkeypatch, f'echo "{words}"; echo "npm error it failed"; exit 1\n')
    with pytest.raises(kind, match="it failed"):
        NpmClient().download(package(), into)


def test_the_version_and_no_script_is_asked_for(tmp_path: Path, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm_that(tmp_path, monkeypatch, 'echo "$@" > scope-one-1.0.0.tgz\n')
    asked = NpmClient().download(package(), into).read_text()
    assert asked.startswith("pack @scope/one@1.0.0 --ignore-scripts ")


def packed(mark: Path) -> bytes:
    """A package each of whose scripts would leave a mark."""
    scripts = ("preinstall", "install", "postinstall", "prepare", "prepack", "postpack", "prepublish")
    about = {"name": "@scope/one", "version": "1.0.0", "scripts": {name: f"touch {mark}" for name in scripts}}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, text in {"package.json": json.dumps(about), "index.js": "x\n"}.items():
            member = tarfile.TarInfo(f"package/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    return buffer.getvalue()


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[bytes]:
    """A registry on this machine with one package, whose bytes it gives."""
    content = packed(tmp_path / "mark")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = f"http://127.0.0.1:{self.server.server_port}/one.tgz"  # type: ignore[attr-defined]
            version = {"name": "@scope/one", "version": "1.0.0", "dist": {"tarball": url}}
            about = {"name": "@scope/one", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
            body = content if self.path.endswith(".tgz") else json.dumps(about).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("npm_config_registry", f"http://127.0.0.1:{server.server_port}/")
    yield content
    server.shutdown()
    server.server_close()


@needs_npm
def test_npm_itself_brings_the_registrys_bytes_and_runs_no_script(registry: bytes, into: Path, tmp_path: Path) -> None:
    assert NpmClient().download(package(registry), into).read_bytes() == registry
    assert not (tmp_path / "mark").exists()


@needs_npm
def test_the_newest_version_comes_unpinned_in_order_to_be_pinned(registry: bytes, into: Path) -> None:
    assert NpmClient().download_unpinned("@scope/one", into).name == "scope-one-1.0.0.tgz"
