from pathlib import Path

import pytest

from codegem.evaluation.repository.files import Files
from codegem.evaluation.repository.places import KINDS, Kind, all_places, find_places


def middles(repository: Path, kind: Kind) -> dict[str, str]:
    return {place.name: place.middle for place in all_places(Files([repository]), kind)}


@pytest.mark.parametrize("kind", KINDS)
def test_a_place_is_a_piece_of_its_file(repository: Path, kind: Kind) -> None:
    places = find_places(Files([repository]), kind, 4, seed=1)
    assert len({place.name for place in places}) == 4
    for place in places:
        text = (repository / place.document.path).read_text("utf-8")
        assert place.prefix + place.middle + place.suffix == text
        assert place.middle.strip() == place.middle


def test_lines_are_named_by_their_number(repository: Path) -> None:
    found = middles(repository, "lines")
    lines = (repository / "shop.py").read_text("utf-8").splitlines()
    named = {name: middle for name, middle in found.items() if name.startswith("shop/shop.py")}
    assert named and all(lines[int(name.rpartition(":")[2]) - 1].strip() == middle for name, middle in named.items())


def test_blocks_have_several_lines(repository: Path) -> None:
    found = middles(repository, "blocks")
    assert found["shop/shop.py:7:9"] == "amount = amount.plus(price)\n        amount = rounded(amount)"
    assert all(2 <= middle.count("\n") + 1 <= 12 for middle in found.values())


def test_calls_need_another_file(repository: Path) -> None:
    """`item.get` may be anybody's, and `round` is Python's."""
    found = middles(repository, "calls")
    in_shop = {middle for name, middle in found.items() if name.startswith("shop/shop.py")}
    assert in_shop == {"Money(0)", "amount.plus(price)", "rounded(amount)"}
    assert not [name for name in found if name.startswith("shop/money.py")]


def test_places_behind_letters_of_several_bytes(tmp_path: Path) -> None:
    folder = tmp_path / "r"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nname = "r"\nlicense = "MIT"\n', "utf-8")
    text = "def größe(wert):\n    return wert * 2  # äöü, and more text to be kept\n"
    (folder / "a.py").write_text(text * 3, "utf-8")
    text = "from a import größe\n\nname = 'äöü'\nprint('ä', größe(1), 'ü')\nprint(größe(22))\n"
    (folder / "b.py").write_text(text, "utf-8")
    assert set(middles(folder, "calls").values()) == {"größe(1)", "größe(22)"}


def test_the_seed_decides(repository: Path) -> None:
    files = Files([repository])
    first, again, other = (find_places(files, "lines", 5, seed) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("kind", KINDS)
def test_more_than_there_are_gives_all(repository: Path, kind: Kind) -> None:
    files = Files([repository])
    found = find_places(files, kind, 999, 0)
    assert {place.name for place in found} == {place.name for place in all_places(files, kind)}
