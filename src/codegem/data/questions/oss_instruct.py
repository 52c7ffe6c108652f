"""Exercises that a model thinks up from pieces of real code: OSS-Instruct (Magicoder, arXiv 2312.02120).

A random piece of 1 to 15 lines of a repository is shown to a model, which writes a problem that it was put in
mind of, a solution, and here also tests. What comes back is kept only where solution and tests parse, the
solution passes the tests in the sandbox and the tests fail without it. Every answer is written down as soon
as it is judged, so that a run that is stopped goes on.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from codegem.data.fim_sampling import generator
from codegem.data.questions.conversations import Pair, Refused
from codegem.data.questions.exercise_judge import LANGUAGES, judge
from codegem.data.questions.exercise_text import ask, split_answer
from codegem.data.records import Document
from codegem.errors import UserError
from codegem.generate import Output, Request, StopReason, TextSource, outputs
from codegem.sandbox.limits import SandboxError, SandboxLimits
from codegem.sandbox.toolchains import find

SOURCE = "oss-instruct"
_TOGETHER = 32  # requests handed to the model at a time


@dataclass(frozen=True)
class OssRules:
    """How exercises are asked for and judged.

    Attributes:
        pairs: how many are asked for.
        max_lines: of a piece of code (Magicoder: 15).
        max_characters: of a piece of code.
        max_tokens: of an answer; at most half of what the model takes.
        temperature, top_p: of the model; Magicoder asked greedily, a small model needs variety.
        least_words: of a problem.
        limits: of the sandbox.
        unprotected: runs what the model wrote without a sandbox.
    """

    pairs: int = 0
    max_lines: int = 15
    max_characters: int = 1500
    max_tokens: int = 768
    temperature: float = 0.8
    top_p: float = 0.95
    least_words: int = 8
    limits: SandboxLimits = field(default_factory=SandboxLimits)
    unprotected: bool = False


@dataclass(frozen=True)
class Snippet:
    """A piece of code, and where it is from."""

    name: str
    language: str
    text: str


def draw_snippets(
    documents: Sequence[Document], rules: OssRules, seed: int, fits: Callable[[str], bool] = lambda prompt: True
) -> list[Snippet]:
    """As many random pieces as pairs are asked for, of the languages that can be run here.

    Args:
        fits: whether the model can take a prompt; a piece loses its last lines until it can.

    Raises:
        UserError: no document is in such a language, or no prompt fits.
    """
    if not fits(ask("python", "")):
        raise UserError(
            f"The model's context is too short to ask it for an exercise and get {rules.max_tokens} tokens."
        )
    usable = [d for d in documents if d.language in LANGUAGES and find(d.language) and d.text.strip()]
    if rules.pairs and not usable:
        raise UserError(
            f"None of the {len(documents)} files kept is in a language that can be run here: {', '.join(LANGUAGES)}."
        )
    return [_fitting(_snippet(usable, rules, seed, number), fits) for number in range(rules.pairs)]


def make_exercises(
    source: TextSource,
    snippets: Sequence[Snippet],
    rules: OssRules,
    journal: Path,
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] = lambda done, total: None,
) -> Iterator[Pair | Refused]:
    """What a model makes of each piece of code, judged, in the order of the pieces.

    Args:
        journal: a file of JSON lines; what it holds of the same pieces and rules is not asked for again.

    Raises:
        UserError: the journal is of another run, the sandbox failed, or the model can't take the prompts.
    """
    done = _Journal(journal, _identity(source.name, rules, seed), snippets)
    while len(done.rows) < len(snippets):
        start = len(done.rows)
        some = snippets[start : start + _TOGETHER]
        requests = [_request(snippet, rules, seed, start + place) for place, snippet in enumerate(some)]
        for snippet, output in zip(some, outputs(source, requests), strict=True):
            done.append({"snippet": _hash(snippet), **_judged(snippet, output, rules)})
            progress(len(done.rows), len(snippets))
    for number, row in enumerate(done.rows[: len(snippets)]):
        name = f"{snippets[number].name}#{number}"
        if row["reason"]:
            yield Refused(SOURCE, name, "tests", row["reason"], row["detail"], row["size"])
        else:
            yield Pair(SOURCE, name, row["question"], row["answer"])


def _judged(snippet: Snippet, output: Output, rules: OssRules) -> dict[str, Any]:
    row = {
        "reason": "",
        "detail": "",
        "size": len(output.text.encode("utf-8", "replace")),
        "question": "",
        "answer": "",
    }
    parts = split_answer(output.text)
    if parts is None:
        cut = output.stop_reason == StopReason.LENGTH
        return row | {"reason": "cut off" if cut else "not of the form", "detail": output.text[:200]}
    try:
        verdict = judge(
            parts, snippet.language, rules.limits, least_words=rules.least_words, unprotected=rules.unprotected
        )
    except SandboxError as error:
        raise UserError(
            f"The sandbox failed ({error}); nothing is judged wrong for it. Run the command again to go on."
        ) from error
    if verdict:
        return row | {"reason": verdict[0], "detail": verdict[1][-300:]}
    return row | {"question": parts.problem, "answer": f"```{snippet.language}\n{parts.solution.strip()}\n```"}


def _snippet(documents: Sequence[Document], rules: OssRules, seed: int, number: int) -> Snippet:
    draw = generator(seed, SOURCE, number)
    document = documents[draw.randrange(len(documents))]
    lines = document.text.splitlines()
    filled = [place for place, line in enumerate(lines) if line.strip()]
    start = filled[draw.randrange(len(filled))]
    text = "\n".join(lines[start : start + draw.randint(1, rules.max_lines)])[: rules.max_characters]
    return Snippet(f"{document.repository}/{document.path}:{start + 1}", document.language, text.rstrip())


def _fitting(snippet: Snippet, fits: Callable[[str], bool]) -> Snippet:
    while snippet.text and not fits(ask(snippet.language, snippet.text)):
        snippet = replace(snippet, text=snippet.text.rpartition("\n")[0].rstrip())
    return snippet


def _request(snippet: Snippet, rules: OssRules, seed: int, number: int) -> Request:
    return Request(
        ask(snippet.language, snippet.text),
        rules.max_tokens,
        stop=("[End]",),
        temperature=rules.temperature,
        top_p=rules.top_p,
        seed=generator(seed, "exercise", number).randrange(1 << 31),
    )


def _identity(model: str, rules: OssRules, seed: int) -> str:
    """What decides the answers. How many are asked for does not: a longer run goes on from a shorter one."""
    decisions = {**asdict(rules), "pairs": None, "unprotected": None, "model": model, "seed": seed}
    return hashlib.sha256(json.dumps(decisions, sort_keys=True).encode()).hexdigest()


def _hash(snippet: Snippet) -> str:
    return hashlib.sha256(f"{snippet.name}\0{snippet.text}".encode("utf-8", "replace")).hexdigest()[:16]


class _Journal:
    """Lines of JSON, the first one an identity; a last line that is not whole is cut off."""

    def __init__(self, path: Path, identity: str, snippets: Sequence[Snippet]):
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        data = path.read_bytes() if path.exists() else b""
        whole = data[: data.rfind(b"\n") + 1] or json.dumps(identity).encode() + b"\n"
        try:
            first, *self.rows = [json.loads(line) for line in whole.splitlines()]
            same = first == identity and all(
                row["snippet"] == _hash(snippet) for row, snippet in zip(self.rows, snippets, strict=False)
            )
        except (ValueError, KeyError, TypeError):
            same = False
        if not same:
            raise UserError(
                f"{path} is of another model, other code, other rules or another seed: "
                "choose another folder, or delete it."
            )
        if whole != data:
            path.write_bytes(whole)

    def append(self, row: dict[str, Any]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
        self.rows.append(row)
