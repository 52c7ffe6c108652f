"""Whether an exercise that a model wrote is a good one: it parses, and its tests pass because of its solution."""

import secrets

from codegem.data.questions.exercise_text import Parts
from codegem.sandbox.limits import SandboxError, SandboxLimits
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchains import Toolchain, find
from codegem.text import languages
from codegem.text.syntax import TooHardToParse, parse

# What a language's program prints when it has run to its end, and one of the words that every test of it holds.
LANGUAGES = {"python": ("print({!r})", ("assert",)), "javascript": ("console.log({!r})", ("assert", "throw "))}


def judge(
    parts: Parts, language: str, limits: SandboxLimits, *, least_words: int = 1, unprotected: bool = False
) -> tuple[str, str] | None:
    """Why an exercise is refused, as (reason, detail); None where it is good.

    Args:
        language: one of `LANGUAGES`.
        limits: of the sandbox.
        least_words: of the problem.
        unprotected: run it without a sandbox.

    Raises:
        SandboxError: nothing is known, since the sandbox failed.
        UserError: there is no sandbox.
    """
    if (words := len(parts.problem.split())) < least_words:
        return "problem too short", f"{words} words"
    for name, text in (("solution", parts.solution), ("tests", parts.tests)):
        if not _parses(text, language):
            return "does not parse", name
    if not any(word in parts.tests for word in LANGUAGES[language][1]):
        return "tests that check nothing", ""
    toolchain = find(language)
    if toolchain is None:
        raise SandboxError(f"there is no toolchain for {language}")
    if failed := _run(parts.solution, parts.tests, language, toolchain, limits, unprotected):
        return failed
    if _run("", parts.tests, language, toolchain, limits, unprotected) is None:
        return "tests that pass without the solution", ""
    return None


def _run(
    solution: str, tests: str, language: str, toolchain: Toolchain, limits: SandboxLimits, unprotected: bool
) -> tuple[str, str] | None:
    """None where the tests ran to their end, else why not."""
    token = secrets.token_hex(16)  # nobody guesses it: leaving early is no way to pass
    program = f"{solution}\n\n{tests}\n\n{LANGUAGES[language][0].format(token)}\n"
    files, read_only = {toolchain.file: program}, toolchain.read_only
    finished = run(toolchain.command, files, limits, read_only=read_only, unprotected=unprotected)
    if finished.passed and finished.stdout.rstrip().endswith(token):
        return None
    if finished.exit_code is None:
        return f"tests {finished.status}", ""
    last_words = (finished.stderr.strip().splitlines() or [finished.reason or "it ended early"])[-1]
    return "fails its tests", last_words


def _parses(text: str, language: str) -> bool:
    extension = next(known.extensions[0] for known in languages.LANGUAGES if known.name == language)
    try:
        tree = parse(text.encode("utf-8", "replace"), f"exercise{extension}")
    except TooHardToParse:
        return False
    return tree is not None and not tree.root_node.has_error and tree.root_node.named_child_count > 0
