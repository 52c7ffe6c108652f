from pathlib import Path

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
