"""One build over hostile archives, folders and JSON lines beside one good repository: only the good files get in."""

import gzip
import io
import json
import os
import struct
import tarfile
import zipfile
from pathlib import Path

import pytest

from codegem.data.accounts import STAGES
from codegem.data.archives.raw_files import Limits
from codegem.data.filters import FilterRules
from codegem.data.pipeline import build
from codegem.data.recipe import DataRecipe
from codegem.data.report import gather
from codegem.data.report_page import page
from codegem.data.shards import ExampleSource, read_manifest
from codegem.text.fim import Hole, parse
from codegem.text.tokenizer import load_tokenizer

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("daft")
pytest.importorskip("array_record")

MIT = b"Permission is hereby granted, free of charge, to any person obtaining a copy"
PROSE = "The river rose that night and the people of the valley carried what they had to the hills. " * 4
RECIPE = DataRecipe(
    context_length=256,
    vocab_size=600,
    filters=FilterRules(languages=("python", "kotlin", "text")),
    limits=Limits(ratio=5, file_bytes=4 << 20),
    validation_share=0.0,
)


def code(name: str, functions: int = 12) -> str:
    return "".join(f"def {name}_{n}(x):\n    y = x * {n}\n    return y + {n}\n\n\n" for n in range(functions))


def evil(name: str) -> bytes:
    """Code that would be kept, were it not for where it stands."""
    return code(f"evil_{name}").encode()


GOOD = {"good/core.py": code("core", 30), "good/use.py": "from good.core import core_1\n\n\n" + code("use")}
KOTLIN = ("a = " * 20 + "\n") * 2000  # the parser would look to its end at every token
NESTED = "call(\n" * 6000


def member(name: str, data: bytes = b"", **attributes: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for key, value in attributes.items():
        setattr(info, key, value)
    return info, data


def tar(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for info, data in (member("p/LICENSE", MIT), *members):
            archive.addfile(info, io.BytesIO(data))


def zipped(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in ({"p/LICENSE": MIT} | members).items():
            archive.writestr(name, data)


def lying_header() -> bytes:
    """A tar whose second member says that it has more bytes than there are."""

    def block(name: bytes, size: int) -> bytes:
        fields = (name, b"0000644", b"0", b"0", b"%011o" % size, b"0", b" " * 8, b"0")
        header = bytearray(struct.pack("100s8s8s8s12s12s8s1s355x", *fields))
        header[148:156] = b"%06o\0 " % sum(header)
        return bytes(header)

    return gzip.compress(
        block(b"a.txt", 2) + b"hi" + bytes(510) + block(b"lies.py", 900_000) + evil("lies") + bytes(64)
    )


LINES = [
    {"text": PROSE + "Their names are kept.", "licence": "CC0-1.0", "path": "kept.txt", "repository": "books"},
    '{"text": "cut off',
    [1, 2, 3],
    "[" * 50_000,
    {"text": PROSE + "half \ud800", "licence": "MIT"},
    b'{"text": "' + b"\xff" * 100 + b'", "licence": "MIT"}',
    {"text": evil("climbs").decode(), "path": "../climbs.py", "licence": "MIT"},
    {"text": PROSE + "Of unknown licence."},
    {"text": PROSE, "path": "kept.txt", "repository": "books", "licence": "MIT"},
    {"text": "x" * (5 << 20), "licence": "MIT"},
    {"text": KOTLIN.replace("a", "b"), "language": "kotlin", "licence": "MIT"},
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hostile")
    corpus, outside, folder = root / "corpus", root / "outside", root / "folder"
    for path in (corpus, outside, folder):
        path.mkdir()
    (outside / "secret.py").write_bytes(evil("outside"))
    (folder / "LICENSE").write_bytes(MIT)
    (folder / "setup.py").symlink_to(outside / "secret.py")
    (folder / "away").symlink_to(outside)
    (folder / "round").symlink_to(folder)
    os.mkfifo(folder / "pipe.py")
    (folder / "line\nbreak.py").write_bytes(evil("newline"))
    with open(os.fsencode(folder) + b"/\xff.py", "wb") as file:
        file.write(evil("bytes"))

    zipped(corpus / "good-1.0.zip", {f"p/{name}": text.encode() for name, text in GOOD.items()})
    tar(
        corpus / "links.tar.gz",
        member("p/a.py", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("p/b.py", type=tarfile.LNKTYPE, linkname="../../etc/passwd"),
        member("../climbs.py", evil("climbs")),
        member("p/new\nline.py", evil("newline")),
        member("p/latin.py", evil("latin") + b"# \xe9\n"),
        member("p/wide.py", evil("wide").decode().encode("utf-16")),
        member("p/surrogate.py", evil("surrogate") + b"# \xed\xa0\x80\n"),
        member("p/nested.py", NESTED.encode()),
        member("p/hard.kt", KOTLIN.encode()),
    )
    zipped(corpus / "bomb.zip", {"p/bomb.py": b"# a long line of nothing at all\n" * 900_000})
    tar(corpus / "grows.tar.gz", member("p/zeros.bin", bytes(40 << 20)), member("p/after.py", evil("after")))
    tar(corpus / "many.tar.gz", *(member(f"p/{n}.py") for n in range(5000)))
    (corpus / "lies.tar.gz").write_bytes(lying_header())
    (corpus / "nothing.zip").write_bytes(b"")
    zipped(corpus / "void.zip", {})
    (corpus / "void2.jsonl").write_bytes(b"\n\n")
    encoded = [
        line if isinstance(line, bytes) else (line if isinstance(line, str) else json.dumps(line)).encode()
        for line in LINES
    ]
    (corpus / "lines.jsonl").write_bytes(b"\n".join(encoded))
    (corpus / "packed.jsonl.gz").write_bytes(gzip.compress(encoded[7] + b"\n" + b" " * (40 << 20)))
    (corpus / "torn.jsonl.gz").write_bytes(gzip.compress(bytes(range(128, 256)) * 20)[:-20])
    build([corpus, folder], root / "out", RECIPE, workers=1)
    return root / "out"


def rejections(built: Path) -> dict[tuple[str, str], str]:
    rows = pq.read_table(built / "rejected.parquet").to_pylist()
    for row in rows:
        assert row["stage"] in STAGES and row["reason"] and row["rule"], row
        assert row["detail"] and row["detail"].isprintable() and row["path"].isprintable(), row
    found = {(row["repository"], row["path"]): f"{row['stage']}: {row['reason']}" for row in rows}
    return found


def test_the_data_set_holds_the_good_files_and_nothing_else(built: Path):
    tokenizer, source = load_tokenizer(built), ExampleSource(built, "train")
    texts: dict[str | None, list[str]] = {}
    for index in range(len(source)):
        example = source[index]
        for segment in range(1, example.segment_ids.max() + 1):
            for file in parse(example.tokens[example.segment_ids == segment].tolist(), tokenizer):
                hole = file.content
                text = hole.prefix + hole.middle + hole.suffix if isinstance(hole, Hole) else hole
                texts.setdefault(file.path, []).append(text)
    wanted = GOOD | {"kept.txt": str(LINES[0]["text"])}  # type: ignore[index]
    assert {path: sorted("".join(parts)) for path, parts in texts.items()} == {p: sorted(t) for p, t in wanted.items()}
    held = [path.read_bytes() for path in built.rglob("*") if path.is_file()]
    assert not any(b"evil_outside" in data or b"root:x:0" in data for data in held)


def test_what_was_read_is_kept_or_rejected(built: Path):
    counts = read_manifest(built).counts
    assert counts["kept"] == 3 and counts["read"] == counts["kept"] + counts["rejected"]
    assert counts["rejected"] == len(pq.read_table(built / "rejected.parquet")) == sum(counts["reasons"].values())
    left = counts["read"]
    for stage in STAGES:
        assert counts["stages"][stage]["read"] == left
        left = counts["stages"][stage]["kept"]
    assert left == 3
    kept = {row["name"]: row["kept"] for row in counts["repositories"]}
    assert kept == dict.fromkeys(
        ("bomb", "folder", "grows", "lies", "links", "many", "nothing", "packed", "torn", "void", "void2"), 0
    ) | {"good": 2, "lines": 1}


def test_every_hostile_thing_has_its_reason(built: Path):
    found = rejections(built)
    many = {key: reason for key, reason in found.items() if key[0] == "many" and key[1] != "LICENSE"}
    assert len(many) == 5000 and set(many.values()) == {"filter: too small"}
    others = {key: reason for key, reason in found.items() if key[0] != "many" and key[1] != "LICENSE"}
    assert others == {
        ("bomb", "bomb.py"): "filter: too large",
        ("folder", "setup.py"): "read: link",
        ("folder", "away"): "read: link",
        ("folder", "round"): "read: link",
        ("folder", "pipe.py"): "read: not a plain file",
        ("folder", "line\\nbreak.py"): "read: unsafe path",
        ("folder", "\\udcff.py"): "read: unsafe path",
        ("grows", "zeros.bin"): "filter: language",
        ("grows", "…"): "read: over the limits",
        ("lies", "a.txt"): "filter: too small",
        ("lies", "…"): "read: damaged archive",
        ("lines#2", "2.txt"): "read: not JSON",
        ("lines#3", "3.txt"): "read: no object",
        ("lines#4", "4.txt"): "read: not JSON",
        ("lines#5", "5.txt"): "read: not text",
        ("lines#6", "6.txt"): "read: not text",
        ("lines#7", "7.txt"): "read: unsafe path",
        ("lines#8", "8.txt"): "licence: licence unknown",
        ("lines/books", "kept.txt"): "read: repeated path",
        ("lines#10", "10.txt"): "read: over the limits",
        ("lines#11", "11.kt"): "syntax: too hard to parse",
        ("links", "a.py"): "read: link",
        ("links", "b.py"): "read: link",
        ("links", "../climbs.py"): "read: unsafe path",
        ("links", "new\\nline.py"): "read: unsafe path",
        ("links", "latin.py"): "filter: not text",
        ("links", "wide.py"): "filter: not text",
        ("links", "surrogate.py"): "filter: not text",
        ("links", "nested.py"): "syntax: parse errors",
        ("links", "hard.kt"): "syntax: too hard to parse",
        ("nothing", "…"): "read: damaged archive",
        ("packed#1", "1.txt"): "licence: licence unknown",
        ("packed", "…"): "read: over the limits",
        ("torn", "…"): "read: damaged archive",
    }


def test_its_report_is_a_page_that_loads_nothing(built: Path):
    text = page(gather(built))
    assert "line\\nbreak.py" in text and "<script" not in text and "src=" not in text
