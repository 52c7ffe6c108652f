"""Requests -> a source of text -> answers.jsonl. It can be stopped, and goes on."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from codegem.errors import SourceError, UserError
from codegem.evaluation.content.prompts import Prompt
from codegem.evaluation.json_lines import check_fields, parse_rows, read_bytes, unpacked
from codegem.evaluation.run_folder import journal
from codegem.evaluation.runner import Fit, Progress
from codegem.generate import Conversation, Output, Request, StopReason, TextSource, finished
from codegem.text.chat import Turn

FILE = "answers.jsonl"
# What stands between a request and the answer of a model that knows no turns.
GAP = "\n\n"
_TURN_TOKENS = 16  # that stand around a question
_FIELDS = {
    "id": str,
    "category": str,
    "kind": str,
    "prompt": str,
    "answer": str,
    "tokens": int,
    "stop_reason": str,
    "allowed": int,
}


@dataclass(frozen=True)
class Answered:
    """A request and what a model said to it.

    Attributes:
        prompt: the request's text.
        tokens: that the model made, of `allowed`.
        cut: the model could not hold the request, and read the end of it.
    """

    id: str
    category: str
    kind: str
    prompt: str
    answer: str
    tokens: int
    stop_reason: str
    allowed: int
    cut: bool = False


def ask(
    prompts: Sequence[Prompt],
    source: TextSource,
    folder: Path,
    *,
    chats: bool,
    max_tokens: int,
    fit: Fit,
    progress: Progress,
) -> tuple[list[Answered], dict[str, str]]:
    """Ask for every answer that answers.jsonl does not have yet, greedily, and append each as it comes.

    Args:
        folder: claimed for this run.
        chats: whether a request is the question of a conversation; else it is a text that is continued after `GAP`.

    Returns:
        The answers in the order of the prompts, and why others are not there that the source lost, by id.

    Raises:
        UserError: the source refuses, or the file can't be written. What came before is kept.
    """
    file = folder / FILE
    with journal(file, _FIELDS) as rows:
        known = {answered.id: answered for answered in map(_answered, rows.rows)}
        missing = [prompt for prompt in prompts if prompt.id not in known]
        asked = [_request(prompt, chats, max_tokens, fit) for prompt in missing]
        lost = {prompt.id: "asking was stopped" for prompt in missing}
        done = len(prompts) - len(missing)
        progress("asking", done, len(prompts), "answers")
        try:
            for index, output in finished(source, [request for request, _ in asked]):
                if output.stop_reason != StopReason.CANCELLED:
                    found = _of(missing[index], output, *asked[index])
                    rows.append(asdict(found))
                    known[found.id] = found
                    del lost[found.id]
                    done += 1
                    progress("asking", done, len(prompts), "answers")
        except SourceError as error:
            if len(lost) == len(missing):
                raise  # nothing came, so there is nothing new to judge
            lost = {
                prompt.id: error.failed.get(index, str(error))
                for index, prompt in enumerate(missing)
                if prompt.id in lost
            }
    return [known[prompt.id] for prompt in prompts if prompt.id in known], lost


def read_answers(folder: Path) -> list[Answered]:
    """The answers of a run.

    Raises:
        UserError: there are none, or the file is damaged; the sentence has the line.
    """
    file = folder / FILE
    if not file.is_file():
        raise UserError(f"{folder} is no run of codegem eval content: it holds no {FILE}.")
    found: dict[str, Answered] = {}
    for number, row in parse_rows(file, unpacked(file, read_bytes(file))):
        check_fields(file, number, row, _FIELDS)
        if row["id"] in found:
            raise UserError(f"{file}, line {number}: {row['id']} is there twice.")
        found[row["id"]] = _answered(row)
    if not found:
        raise UserError(f"{file} holds no answers; run codegem eval content first.")
    return list(found.values())


def _answered(row: dict) -> Answered:
    return Answered(**{name: row[name] for name in _FIELDS}, cut=row.get("cut") is True)


def _request(prompt: Prompt, chats: bool, max_tokens: int, fit: Fit) -> tuple[Request, bool]:
    around = _TURN_TOKENS if chats else 0
    text, allowed, cut = fit(prompt.text if chats else prompt.text + GAP, max_tokens + around)
    assert isinstance(text, str)
    allowed = max(1, allowed - around)
    return Request(Conversation((Turn("user", text),)) if chats else text, min(allowed, max_tokens)), cut


def _of(prompt: Prompt, output: Output, request: Request, cut: bool) -> Answered:
    asked = (prompt.id, prompt.category, prompt.kind, prompt.text)
    return Answered(*asked, output.text, output.tokens, str(output.stop_reason), request.max_tokens, cut)
