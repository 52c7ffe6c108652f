import io
import json
import tarfile
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.repository.files import Files, walk
from codegem.text.syntax import parse


def test_what_a_file_needs_of_others(repository: Path) -> None:
    files = Files([repository])
    documents = {document.path: document for document in files.documents}
    assert [other.path for other in files.needed(documents["shop.py"])] == ["money.py"]
    assert files.needed(documents["money.py"]) == []
    assert set(map(str, (other.path for other in files.needed(documents["test_shop.py"])))) == {"money.py", "shop.py"}
    assert {"Money", "rounded", "plus"} <= files.foreign_names(documents["shop.py"])
    assert "total" not in files.foreign_names(documents["shop.py"])
    assert files.foreign_names(documents["money.py"]) == frozenset()


def test_repositories_do_not_mix(repository: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "other"\nlicense = "MIT"\n', "utf-8")
    text = "from money import Money\n\nprint(Money(3), 'some text to be kept by the filters')\n"
    (other / "use.py").write_text(text, "utf-8")
    files = Files([repository, other])
    (use,) = [document for document in files.documents if document.path == "use.py"]
    assert files.needed(use) == []


def test_walking_a_deep_tree_does_not_recurse() -> None:
    tree = parse(b"(" * 3000 + b")" * 3000, "a.py")
    assert tree is not None
    assert sum(1 for _ in walk(tree)) > 3000


def test_a_damaged_archive(tmp_path: Path) -> None:
    """An archive of which the end is lost is not asked for its beginning."""
    text = b"import os\n\n\ndef name(item):\n    return item.get('name')\n" * 20
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as members:
        for name, data in {"shop/LICENSE": b"MIT License\n", "shop/a.py": text, "shop/b.py": text[::-1]}.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            members.addfile(member, io.BytesIO(data))
    file = tmp_path / "shop.tar.gz"
    file.write_bytes(archive.getvalue()[:-40])
    with pytest.raises(UserError, match=r"shop\.tar\.gz: damaged archive .*; get it again\."):
        Files([file])
    lines = tmp_path / "files.jsonl"
    lines.write_text(json.dumps({"text": "x = 1\n", "path": "a.py"}) + '\n{"text": ')
    with pytest.raises(UserError, match=r"files\.jsonl, line 2: "):
        Files([lines])
