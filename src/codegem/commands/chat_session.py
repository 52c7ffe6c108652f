"""A conversation in the terminal: questions, commands that begin with a slash, and what they leave behind."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from codegem.assist import prompts
from codegem.assist.attachments import Attachment
from codegem.assist.attribution import sentence
from codegem.assist.blocks import Block, blocks, mistake
from codegem.assist.chat import Answer, ChatSettings, converse, plan_chat, require_chat
from codegem.assist.context import Window
from codegem.assist.exercise import Exercise, Verdict, check, make_exercise
from codegem.assist.files import parse_place, read_place, read_whole, replace_text
from codegem.assist.fix import Fix, fix
from codegem.commands.display import Style, printable, style_for
from codegem.errors import UserError
from codegem.generate import StopReason, TextSource
from codegem.text.chat import Turn
from codegem.text.languages import language_of

if TYPE_CHECKING:
    from codegem.data.tracing.index import TraceIndex

HELP = """\
  /explain [FILE[:LINES]]   what the code does; without a file, the files that were brought along
  /fix FILE                 mend a syntax error; where there is none, ask the model what is wrong
  /apply                    write what /fix or /test proposed
  /test FILE[:LINES]        unit tests, which are checked to parse
  /exercise FILE            a part of the file is taken out, and you write it again
  /file [FILE[:LINES]]      bring a file along, or list those that are
  /clear                    forget the conversation
  /save FILE                write the conversation as Markdown
  /help  /quit              Ctrl-C ends an answer, Ctrl-D the conversation
A line that ends with \\ goes on in the next one; \"\"\" begins and ends a question of several lines."""
_ENDED = {
    StopReason.CANCELLED: "(stopped)",
    StopReason.LENGTH: "(cut off: it reached the length that an answer may have)",
    StopReason.COPIED: "(cut off: more of it would repeat more of one source than is allowed)",
}
_TEST_TRIES = 3
_WARMER = 0.4  # temperature of another try


class Session:
    """What has been said and proposed, and what to do about the next line.

    Args:
        source: of the answers.
        window: how much `source` reads.
        can_chat: whether it answers questions; /fix and /exercise need a model that fills holes, no more.
        system: what holds for the whole conversation.
        files: brought along.
        out: where answers go.
        quiet: print no answers.
        index: of a corpus; what of an answer stands in it is told.
    """

    def __init__(
        self,
        name: str,
        source: TextSource,
        window: Window,
        can_chat: bool,
        *,
        settings: ChatSettings | None = None,
        system: str = "",
        files: Sequence[Attachment] = (),
        out: TextIO | None = None,
        quiet: bool = False,
        index: "TraceIndex | None" = None,
    ):
        self.name, self.can_chat, self.files = name, can_chat, list(files)
        self.exercise: Exercise | None = None
        self._source, self._window, self._system, self._index = source, window, system, index
        self._settings = settings or ChatSettings()
        self._out = out or sys.stdout
        self._style: Style = style_for(self._out)
        self._quiet = quiet
        self._turns: list[Turn] = []
        self._proposed: tuple[Path, str | None, str] | None = None  # where, the text there now (None: no file), the new
        self._hints = 0
        self._commands: dict[str, Callable[[str], object]] = {
            "explain": self._explain,
            "fix": self._fix,
            "apply": self._apply,
            "test": self._test,
            "exercise": self._set_exercise,
            "hint": self._hint,
            "solution": self._solution,
            "file": self._file,
            "clear": self._clear,
            "save": self._save,
            "help": lambda rest: self.say(HELP),
        }

    def hear(self, line: str) -> None:
        """Do what a line says: a command, an answer to an exercise, or a question.

        Raises:
            UserError: it can't be done.
        """
        word, _, rest = line.strip().partition(" ")
        if word.startswith("/") and not word.startswith("//") and "/" not in word[1:]:
            command = self._commands.get(word[1:])
            if command is None:
                raise UserError(f"There is no command {printable(word)}; /help lists them.")
            command(rest.strip())
        elif self.exercise is not None:
            self._judge(line)
        elif line.strip():
            self.ask(line)

    def ask(self, question: str, files: Sequence[Attachment] = ()) -> Answer:
        """Put a question to the model and print the answer as it comes; it becomes part of the conversation.

        Ctrl-C ends the answer; what came so far counts.

        Raises:
            UserError: the model does not chat, or the question does not fit.
        """
        require_chat(self.can_chat, self.name)
        turns = [Turn("system", self._system)] if self._system else []
        turns += [*self._turns, Turn("user", question)]
        plan = plan_chat(turns, self._window, self._settings, files=[*self.files, *files])
        for note in plan.notes:
            self.say(f"({note})")
        parts: list[str] = []
        try:
            answer = converse(self._source, plan, lambda text: (parts.append(text), self._print(text))[0], self._index)
        except KeyboardInterrupt:
            answer = Answer("".join(parts), StopReason.CANCELLED, len(parts), plan.notes)
        self._print("\n")
        if answer.stop_reason in _ENDED:
            self.say(_ENDED[answer.stop_reason])
        for copy in answer.copies:
            self.say(f"({sentence(copy)})")
        if answer.text.strip():
            self._turns += [Turn("user", question), Turn("model", answer.text)]
        return answer

    def say(self, text: str) -> None:
        """Print what the program itself has to say."""
        if not self._quiet:
            print(f"{self._style.dim}{printable(text)}{self._style.reset}", file=self._out, flush=True)

    def _print(self, text: str) -> None:
        if not self._quiet:
            print(printable(text), end="", file=self._out, flush=True)

    def _named(self, rest: str) -> list[Attachment]:
        """The file that a command names; none where files were brought along."""
        if rest or not self.files:
            return [read_place(parse_place(rest))]
        return []

    def _explain(self, rest: str) -> None:
        require_chat(self.can_chat, self.name)
        self.ask(prompts.EXPLAIN, self._named(rest))

    def _fix(self, rest: str) -> None:
        file = parse_place(rest).file
        text = read_whole(file)
        found = mistake(text, str(file))
        if found is None:
            self._ask_what_is_wrong(rest)
            return
        self.say(f"{file}:{found.line}: syntax error: {found.text.strip()[:120]}")
        proposal = fix(text, str(file), self._source, self._window)
        if proposal.after == text:
            raise UserError(f"No edit was found after which {file} parses.")
        self._propose(file, text, proposal)

    def _ask_what_is_wrong(self, rest: str) -> None:
        place = parse_place(rest)
        if not self.can_chat:
            raise UserError(
                f"{place.file} has no syntax error that codegem knows of, and {self.name} can't be asked what else may "
                "be wrong: it was not tuned to chat."
            )
        self.ask(prompts.FIX.format(problem=prompts.MISTAKE), [read_place(place)])

    def _propose(self, file: Path, text: str, proposal: Fix) -> None:
        self._print(proposal.diff)
        if not proposal.parses:
            self.say("(It has fewer errors, and not none.)")
        self._proposed = file, text, proposal.after
        self.say("/apply writes it.")

    def _apply(self, rest: str) -> None:
        if self._proposed is None:
            raise UserError("Nothing is proposed; /fix FILE or /test FILE proposes something.")
        file, before, after = self._proposed
        if before is None:
            try:
                with open(file, "x", encoding="utf-8", newline="") as opened:
                    opened.write(after)
            except OSError as error:
                raise UserError(f"{file} can't be written ({error.strerror}).") from None
        else:
            replace_text(file, before, after)
        self._proposed = None
        self.say(f"{file} is written.")

    def _test(self, rest: str) -> None:
        require_chat(self.can_chat, self.name)
        code = self._named(rest)
        place = code[0] if code else self.files[0]
        framework = prompts.FRAMEWORKS.get(language_of(place.path) or "", prompts.ANY_FRAMEWORK)
        answer = self.ask(prompts.TEST.format(framework=framework), code)
        settings = self._settings
        for seed in range(1, _TEST_TRIES + 1):
            block = _largest(answer)
            wrong = mistake(block.text, place.path) if block else None
            if wrong is None or answer.stop_reason is StopReason.CANCELLED or seed == _TEST_TRIES:
                break
            self.say(f"(The tests have a syntax error in line {wrong.line}; asking again.)")
            self._settings = replace(settings, temperature=_WARMER, seed=settings.seed + seed)
            try:
                answer = self.ask(prompts.TEST_AGAIN.format(line=wrong.line, text=wrong.text), code)
            finally:
                self._settings = settings
        self._offer_tests(place.path, block, wrong is None)

    def _offer_tests(self, path: str, block: Block | None, parses: bool) -> None:
        if block is None:
            self.say("(The answer holds no block of code.)")
        elif not parses:
            self.say("(The tests do not parse, so they are not offered to be written.)")
        else:
            name = Path(path)
            target = Path(f"test_{name.name}" if name.suffix == ".py" else f"{name.stem}.test{name.suffix}")
            self._proposed = target, None, block.text
            self.say(f"The tests parse. /apply writes them to {target}.")

    def _set_exercise(self, rest: str) -> None:
        if not rest and self.exercise is None:
            raise UserError("/exercise FILE makes an exercise of a file; name one.")
        if not rest:
            self.exercise = None
            self.say("The exercise is over.")
            return
        place = parse_place(rest)
        attached = read_place(place)
        self._hints += 1
        made = make_exercise(attached.text, attached.path, self._settings.seed + self._hints)
        self.exercise = made
        self.say(f"{made.path}, line {made.line}: write what is missing.")
        self._print(made.shown() + "\n")
        self.say("/hint, /solution, /exercise FILE for another, /exercise alone to stop.")

    def _judge(self, answer: str) -> None:
        made = self.exercise
        assert made is not None
        verdict = check(made, answer)
        if verdict is Verdict.SAME:
            self.exercise = None
            self.say("Right: it is what stood there.")
        elif verdict is Verdict.PARSES:
            self.say("It parses, and is not what stood there; it may be right as well. /solution shows the original.")
        elif verdict is Verdict.BROKEN:
            self.say("With this the file has a syntax error; try again, or /hint.")

    def _hint(self, rest: str) -> None:
        if self.exercise is None:
            raise UserError("There is no exercise; /exercise FILE makes one.")
        self._hints += 1
        self._print(self.exercise.hint(self._hints) + "\n")

    def _solution(self, rest: str) -> None:
        if self.exercise is None:
            raise UserError("There is no exercise; /exercise FILE makes one.")
        self._print(self.exercise.answer + "\n")
        self.exercise = None

    def _file(self, rest: str) -> None:
        if rest:
            self.files.append(read_place(parse_place(rest)))
        self.say("\n".join(file.title for file in self.files) or "No file is brought along; /file FILE does it.")

    def _clear(self, rest: str) -> None:
        self._turns.clear()
        self._proposed = self.exercise = None
        self.say("The conversation is forgotten; the files stay.")

    def _save(self, rest: str) -> None:
        if not rest:
            raise UserError("/save FILE writes the conversation; name a file.")
        speakers = {"user": "You", "model": self.name}
        text = "\n\n".join(f"## {speakers[turn.speaker]}\n\n{turn.text.strip()}" for turn in self._turns) + "\n"
        try:
            with open(rest, "x", encoding="utf-8") as opened:
                opened.write(text)
        except OSError as error:
            raise UserError(f"{rest} can't be written ({error.strerror}).") from None
        self.say(f"{rest} is written.")


def _largest(answer: Answer) -> Block | None:
    return max(blocks(answer.text), key=lambda block: len(block.text), default=None)
