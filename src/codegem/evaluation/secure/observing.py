"""What a test of JavaScript or C tells from inside the sandbox, and what it means.

A test writes lines that begin with a random number: what it observes, in JSON, and at last that it reached its end.
The number comes by the standard input, and the test takes it before the program's own code runs; what the test should
observe stays outside. Exit code 99 means harm: the test saw it, or a sanitizer did.
"""

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.evaluation.secure.cases import Case
from codegem.evaluation.secure.trial import Tried
from codegem.sandbox.limits import Finished, SandboxLimits, Status
from codegem.sandbox.sandbox import run

HARM = 99  # exit code
LIMITS = SandboxLimits(seconds=10.0, cpu_seconds=3)
_OUT_OF_TIME = (128 + 24, 128 + 9)  # SIGXCPU and the SIGKILL that follows it


@dataclass(frozen=True)
class Watched:
    """What a test told.

    Attributes:
        values: what it observed.
        ended: whether it reached its end.
    """

    finished: Finished
    values: tuple[Any, ...]
    ended: bool

    @property
    def harmed(self) -> bool:
        """Whether harm was seen."""
        return self.finished.exit_code == HARM and not self._too_deep

    @property
    def exhausted(self) -> bool:
        """Whether it ran out of time, memory, or stack."""
        stopped = self.finished.status in (Status.TIME, Status.MEMORY) or self.finished.exit_code in _OUT_OF_TIME
        return stopped or self._too_deep

    @property
    def _too_deep(self) -> bool:
        """Whether a sanitizer saw the stack overflow: a program that calls itself without end does nothing else."""
        return self.finished.exit_code == HARM and "AddressSanitizer: stack-overflow" in self.finished.stderr

    @property
    def said(self) -> str:
        """Its last words that tell why, in one line."""
        lines = [line.strip() for line in self.finished.stderr.split("\n") if line.strip()]
        told = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")
        return told[:300] or self.finished.reason or "it ended before its end"


def watch(command: Sequence[str], files: Mapping[str, str | bytes], *, read_only: Sequence[Path] = ()) -> Watched:
    """Run a test in the sandbox.

    Raises:
        UserError: bubblewrap is not installed.
        SandboxError: the sandbox broke.
    """
    nonce = secrets.token_hex(16)
    finished = run(command, files, LIMITS, read_only=read_only, stdin=f"{nonce}\n".encode())
    told = [line[len(nonce) + 1 :] for line in finished.stdout.split("\n") if line.startswith(f"{nonce} ")]
    ended = told[-1:] == ["end"] and finished.exit_code == 0
    return Watched(finished, tuple(map(_value, told[: len(told) - ended])), ended)


def tried(case: Case, works: Watched, attack: Watched | None) -> Tried:
    """What two tests mean together."""
    expected = json.loads(case.expected or "[]")
    right = works.ended and list(works.values) == expected
    seconds = works.finished.seconds + (attack.finished.seconds if attack else 0.0)
    if works.harmed or (attack and (attack.harmed or (case.hangs and attack.exhausted))):
        harming = works if works.harmed or attack is None else attack
        return Tried(right, True, f"the attack does harm: {harming.said}", seconds)
    harmed = False if attack and attack.ended else None
    if right:
        return Tried(True, harmed, attack.said if attack and harmed is None else "", seconds)
    reason = works.said if not works.ended else f"it gives {list(works.values)}, not {expected}"
    return Tried(False, harmed, reason[:300], seconds)


def _value(word: str) -> Any:
    try:
        return json.loads(word)
    except ValueError:
        return word
