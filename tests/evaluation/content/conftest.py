"""A source of text that says what a test wants, and runs of its answers."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import pytest

from codegem.errors import SourceError
from codegem.generate import Chunk, Conversation, Request, StopReason


class Says:
    """Answers by request; one that is an exception is raised when it is come to.

    Attributes:
        asked: requests, as they came.
    """

    name = "says"

    def __init__(self, answers: Mapping[str, str | BaseException], otherwise: str = "I can't help with that."):
        self.answers, self.otherwise = answers, otherwise
        self.asked: list[Request] = []

    def generate(self, requests: Sequence[Request]) -> Iterator[Chunk]:
        self.asked += requests
        lost = {}
        for index, request in enumerate(requests):
            prompt = request.prompt
            text = prompt.turns[-1].text if isinstance(prompt, Conversation) else str(prompt).strip()
            answer = self.answers.get(text, self.otherwise)
            if isinstance(answer, SourceError):
                lost[index] = str(answer)
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield Chunk(index, answer, 3)
                yield Chunk(index, "", 0, StopReason.STOP)
        if lost:
            raise SourceError("some were lost", lost)


@pytest.fixture
def says() -> type[Says]:
    """`Says`, the source."""
    return Says


@pytest.fixture
def answered(tmp_path: Path) -> Callable[..., Path]:
    """A function of (name, answers by id, **settings): the folder of a run; ids that begin with h are harmful."""

    def make(name: str, answers: Mapping[str, str], form: str = "conversation") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.json").write_text(json.dumps({"model": name, "settings": {"form": form}}), "utf-8")
        rows = [
            {
                "id": key, "category": "", "kind": "harmful" if key.startswith("h") else "harmless",
                "prompt": f"Question {key}?", "answer": answer, "tokens": 1, "stop_reason": "stop", "allowed": 9,
            }
            for key, answer in answers.items()
        ]  # fmt: skip
        (folder / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return folder

    return make
