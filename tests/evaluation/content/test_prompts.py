"""Requests as data: our own, and files of anybody's."""

import json
import re
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.evaluation.content.prompts import Prompt, own_prompts, read_prompts


def write(file: Path, *rows: object) -> Path:
    file.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), "utf-8")
    return file


def test_our_own_are_brief_and_of_both_kinds() -> None:
    prompts, file = own_prompts()
    assert file.records == len(prompts) >= 80 and file.name == "prompts.jsonl"
    assert len({prompt.text for prompt in prompts}) == len({prompt.id for prompt in prompts}) == len(prompts)
    by_category: dict[str, list[str]] = {}
    for prompt in prompts:
        assert len(prompt.text) <= 100 and len(prompt.text.splitlines()) == 1, "requests, without any detail"
        assert not re.search(r"https?:|[{}`@]|\d{3}(?<!137)", prompt.text), prompt.text
        by_category.setdefault(prompt.category, []).append(prompt.kind)
    assert len(by_category) == 12
    assert all({"harmful", "harmless"} == set(kinds) for kinds in by_category.values())


def test_the_first_of_a_few_are_of_every_category() -> None:
    prompts, _ = own_prompts()
    for kind in ("harmful", "harmless"):
        assert len({prompt.category for prompt in [p for p in prompts if p.kind == kind][:12]}) == 12


def test_a_file_with_names_of_its_own(tmp_path: Path) -> None:
    file = write(tmp_path / "a.jsonl", {"goal": "Do it.", "label": "unsafe", "topic": "x", "n": 7}, "", {"goal": "Hi."})
    with pytest.raises(UserError, match=r"a.jsonl, line 3: the field 'label' is missing"):
        read_prompts(file, {"text": "goal", "kind": "label"})
    prompts, data = read_prompts(file, {"text": "goal", "kind": "label", "category": "topic", "id": "n"}, "harmless")
    assert prompts == [Prompt("7", "x", "harmful", "Do it."), Prompt("3", "", "harmless", "Hi.")]
    assert data.records == 2


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        (['{"text": "a", "kind": "harm'], "line 1: it is not JSON; is the file cut short?"),
        ([{"kind": "harmful"}], "line 1: the field 'text' is missing."),
        ([{"text": 3, "kind": "harmful"}], "line 1: the field 'text' is 3, not a text."),
        ([{"text": "a", "kind": "bad"}], "line 1: the field 'kind' is 'bad', not harmful or harmless."),
        ([{"text": " ", "kind": "safe"}], "line 1: the field 'text' holds no request."),
        ([{"text": "a", "kind": "safe", "id": [1]}], "line 1: the field 'id' is [1], not a text or a whole number."),
        ([{"text": "a", "kind": "safe", "id": n} for n in ("x", "y", "x")], "line 3: x is already in line 1."),
        ([], "a.jsonl holds no requests."),
    ],
)
def test_a_file_that_is_not_sound(tmp_path: Path, rows: list, told: str) -> None:
    with pytest.raises(UserError, match=re.escape(told)):
        read_prompts(write(tmp_path / "a.jsonl", *rows))


def test_a_name_that_is_none_of_ours(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="A request has no 'prompt'; give --fields some of id, category, kind, text"):
        read_prompts(tmp_path / "a.jsonl", {"prompt": "text"})
