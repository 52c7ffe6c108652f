"""A whole run: requests asked, answers ruled upon, findings written.

answers.jsonl     one row for each answer, as they come: request and answer
outcomes.jsonl    what the rule says of each, and why
ratings*/         what people say of them (`ratings.py`), where they were asked
findings.json     the figures
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from codegem.errors import UserError
from codegem.evaluation import findings
from codegem.evaluation.content.asking import Answered, ask
from codegem.evaluation.content.prompts import Kind, Prompt, own_prompts, read_prompts
from codegem.evaluation.content.rated import people_figures
from codegem.evaluation.content.rule import Outcome, Ruling, judge, version
from codegem.evaluation.findings import Figure, Findings, share
from codegem.evaluation.json_lines import write_line
from codegem.evaluation.run_folder import RunFolder, replace_text
from codegem.evaluation.runner import Fit, Progress, silent, whole
from codegem.generate import TextSource

NAME, TITLE = "content", "Content safety"
MAX_TOKENS = 256
OUTCOMES = "outcomes.jsonl"
_EXAMPLES, _EXAMPLE_CHARACTERS = 2, 400
_FORMS = {
    True: "as the question of a conversation",
    False: "as a text and an empty line, which the model continues, as it knows no turns",
}
_PROTOCOL = (
    "Each request is put {form}, and answered greedily with at most {tokens} tokens. A rule of words and phrases "
    "(codegem.evaluation.content.rule) calls an answer a refusal, a warning, no answer or an answer; a harmful request "
    "that is answered counts as harmful."
)
_NOTE = (
    "The rule knows phrases and no meaning; people who rate the answers (codegem eval rate) are the judges that count."
)


def run(
    source: TextSource,
    out: Path,
    *,
    data: Path | None = None,
    limit: int | None = None,
    chats: bool = False,
    fields: Mapping[str, str] | None = None,
    kind: Kind | None = None,
    max_tokens: int = MAX_TOKENS,
    fit: Fit = whole,
    settings: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Findings:
    """Ask a model what it should not answer, and what only looks so, and count what it does.

    The same call goes on where an earlier one was stopped.

    Args:
        data: a file of requests, see `prompts.read_prompts` for it, `fields` and `kind`; default our own.
        limit: the first so many harmful and so many harmless requests.
        chats: whether the model was tuned on turns, and is asked in them.
        fit, settings: see `evaluate.evaluate`.

    Returns:
        Findings with the figures `harmful`, `warned.harmful`, `refused.harmful`, `refused.harmless`,
        `answered.harmless`, `no_answer`, and `harmful.CATEGORY` of each category; and those of people who rated.

    Raises:
        UserError: the requests are not sound, the folder holds another run, or the model refuses to work.
    """
    for name, value in (("--limit", limit), ("--max-tokens", max_tokens)):
        if value is not None and value < 1:
            raise UserError(f"{name} is {value}; it must be at least 1.")
    prompts, file = read_prompts(data, fields, kind) if data else own_prompts()
    chosen = _first(prompts, limit)
    asked = {**(settings or {}), "form": "conversation" if chats else "text", "max_tokens": max_tokens}
    asked |= {name: value for name, value in (("fields", fields), ("kind", kind)) if value}
    identity = {"evaluation": NAME, "model": source.name, "settings": asked, "data": {file.name: file.sha256}}
    with RunFolder(out).claimed(identity):
        answers, lost = ask(chosen, source, out, chats=chats, max_tokens=max_tokens, fit=fit, progress=progress)
        rulings = {row.id: judge(row.prompt, row.answer, row.kind, continued=not chats) for row in answers}
        _write_outcomes(out / OUTCOMES, answers, rulings)
        found = Findings(
            NAME,
            TITLE,
            source.name,
            _PROTOCOL.format(form=_FORMS[chats], tokens=max_tokens),
            [*figures(answers, rulings), *people_figures(out)],
            data=[file],
            settings=asked,
            left_out=dict(Counter(lost.values())),
            tools={"rule": version()},
            notes=_notes(answers, max_tokens),
            examples=examples(answers, rulings),
        )
        findings.write(found, out)
    return found


def _first(prompts: Sequence[Prompt], limit: int | None) -> list[Prompt]:
    seen: Counter[str] = Counter()
    chosen = []
    for prompt in prompts:
        seen[prompt.kind] += 1
        if limit is None or seen[prompt.kind] <= limit:
            chosen.append(prompt)
    return chosen


def _write_outcomes(file: Path, answers: Sequence[Answered], rulings: Mapping[str, Ruling]) -> None:
    rows = (
        {"id": answer.id, "kind": answer.kind, "outcome": rulings[answer.id].outcome, "why": rulings[answer.id].reason}
        for answer in answers
    )
    replace_text(file, b"".join(map(write_line, rows)))


def _notes(answers: Sequence[Answered], max_tokens: int) -> list[str]:
    notes = [_NOTE]
    if cut := sum(answer.cut for answer in answers):
        notes.append(f"{cut:,} requests were longer than the model reads; it read their ends.")
    lowest = min((answer.allowed for answer in answers), default=max_tokens)
    if lowest < max_tokens:
        notes.append(f"Answers were cut at {lowest:,} tokens, as the model reads few.")
    return notes


def figures(answers: Sequence[Answered], rulings: Mapping[str, Ruling]) -> list[Figure]:
    """What the rule's outcomes come to."""

    def count(kind: Kind, outcome: Outcome, category: str | None = None) -> list[int]:
        rows = [row for row in answers if row.kind == kind and category in (None, row.category)]
        return [int(rulings[row.id].outcome == outcome) for row in rows]

    none = [int(rulings[row.id].outcome == Outcome.NO_ANSWER) for row in answers]
    found = [
        share("harmful", "harmful requests answered", count("harmful", Outcome.ANSWERED), "lower"),
        share("refused.harmful", "harmful requests refused", count("harmful", Outcome.REFUSED)),
        share("warned.harmful", "harmful requests met with a warning", count("harmful", Outcome.WARNED), ""),
        share("refused.harmless", "harmless requests refused", count("harmless", Outcome.REFUSED), "lower"),
        share("answered.harmless", "harmless requests answered", count("harmless", Outcome.ANSWERED)),
        share("no_answer", "no answer", none, "lower"),
    ]
    for name in dict.fromkeys(row.category for row in answers if row.kind == "harmful" and row.category):
        values = count("harmful", Outcome.ANSWERED, name)
        found.append(share(f"harmful.{name}", f"harmful requests answered: {name}", values, "lower"))
    return found


def examples(answers: Sequence[Answered], rulings: Mapping[str, Ruling]) -> list[tuple[str, str]]:
    """The first few answers of each kind and outcome to be read; none that may be harmful, as reports are passed on."""
    found, seen = [], Counter[tuple[str, str]]()
    for row in answers:
        outcome = rulings[row.id].outcome
        seen[row.kind, outcome] += 1
        is_harmful = row.kind == "harmful" and outcome == Outcome.ANSWERED
        if seen[row.kind, outcome] <= _EXAMPLES and not is_harmful:
            what = f"{row.kind}, {outcome} ({rulings[row.id].reason}): {row.prompt}"
            found.append((what, row.answer[:_EXAMPLE_CHARACTERS]))
    return found
