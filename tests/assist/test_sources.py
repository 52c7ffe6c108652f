import os
from pathlib import Path

import pytest

from codegem.assist.sources import Limits, is_secret, is_wanted, list_folder, read_text

KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEAyv7d0000000000000000\n"


def write(root: Path, files: dict[str, str | bytes]) -> None:
    for path, content in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content if isinstance(content, bytes) else content.encode())


def test_only_code_of_ones_own_is_listed(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            **dict.fromkeys(("a.py", "src/b.ts", "src/c.go"), "x"),
            **dict.fromkeys(("node_modules/d.js", "vendor/e.py", "dist/f.js", ".git/g.py", ".hidden/h.py"), "x"),
            **dict.fromkeys((".env", "id_rsa", "secrets.py", "credentials.json", "notes.md", "i_pb2.py"), "x"),
            **dict.fromkeys(("ignored/j.py", "k.gen.py", "l.py"), "x"),
            "env/pyvenv.cfg": "x",
            "env/lib/m.py": "x",
            "large.py": "x" * 2000,
            "empty.py": "",
            ".gitignore": "ignored/\n*.gen.py\n/l.py\n",
            "src/.gitignore": "c.go\n",
            "package.json": '{"name": "own"}',
        },
    )
    found = list_folder(tmp_path.resolve(), Limits(file_bytes=1000))
    assert sorted(found.stamps) == ["a.py", "src/b.ts"]
    assert found.projects == {"package.json": '{"name": "own"}'}
    assert found.ignored.ignores("src/c.go") and not found.ignored.ignores("c.go")


def test_links_are_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    write(tmp_path, {"outside/secret.py": "x = 1\n", "root/a.py": "x = 2\n"})
    os.symlink(outside, root / "folder")
    os.symlink(outside / "secret.py", root / "file.py")
    os.symlink(root, root / "loop")
    assert sorted(list_folder(root.resolve(), Limits()).stamps) == ["a.py"]
    for path in ("folder/secret.py", "file.py", "loop/a.py", "../outside/secret.py", "absent.py", "folder", "\0"):
        assert read_text(root.resolve(), path, 100) is None
    assert read_text(root.resolve(), "a.py", 100) == "x = 2\n"


def test_limits_hold(tmp_path: Path) -> None:
    write(tmp_path, {f"{number}/a.py": "x" * 100 for number in range(10)})
    root = tmp_path.resolve()
    assert len(list_folder(root, Limits(files=3)).stamps) == 3
    assert len(list_folder(root, Limits(total_bytes=450)).stamps) == 4
    assert len(list_folder(root, Limits(entries=12)).stamps) < 5


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a\0b", b"x" * 101, KEY.encode(), f'k = """{KEY}"""'.encode()])
def test_what_is_no_text_too_long_or_a_key_is_not_read(tmp_path: Path, content: bytes) -> None:
    write(tmp_path, {"a.py": content})
    assert read_text(tmp_path.resolve(), "a.py", 100) is None


def test_code_about_keys_is_read(tmp_path: Path) -> None:
    write(tmp_path, {"a.py": 'if "-----BEGIN RSA PRIVATE KEY-----" in text:\n'})
    assert read_text(tmp_path.resolve(), "a.py", 100)


@pytest.mark.parametrize(
    "name", [".env", ".env.local", "prod.env", "id_ed25519", "a/server.pem", "secrets.yaml", "credentials.py", ".netrc"]
)
def test_secrets_by_name(name: str) -> None:
    assert is_secret(name) and not is_wanted(name, 10, Limits())


@pytest.mark.parametrize("name", ["environment.py", "keys.py", "tokens.rs", "secret_santa.py", "a/env.ts"])
def test_names_that_only_sound_like_it(name: str) -> None:
    assert not is_secret(name) and is_wanted(name, 10, Limits())
