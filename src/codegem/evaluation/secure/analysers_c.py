"""GCC's own static analyser, which reads C (its manual, "Options That Control Static Analysis")."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codegem.evaluation.secure import trial_c
from codegem.evaluation.secure.analysers import LIMITS, Finding
from codegem.sandbox.limits import SandboxError
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchain import ask, outside, program

# The analyser gives the number of the weakness; these warnings give none. Some of them need an optimizing build.
_WARNINGS = {
    "-Warray-bounds": 787,
    "-Wdangling-pointer": 562,
    "-Wformat-nonliteral": 134,
    "-Wformat-overflow": 121,
    "-Wformat-security": 134,
    "-Wmaybe-uninitialized": 457,
    "-Wreturn-local-addr": 562,
    "-Wsizeof-pointer-memaccess": 467,
    "-Wstringop-overflow": 787,
    "-Wstringop-overread": 125,
    "-Wuninitialized": 457,
    "-Wuse-after-free": 416,
}
_GCC = f"-std=gnu17 -D_GNU_SOURCE -O2 -fanalyzer -Wformat {' '.join(_WARNINGS)} -fdiagnostics-format=json"


@dataclass(frozen=True)
class Gcc:
    """GCC's static analyser, and its warnings that are about a weakness."""

    name: str = "gcc"

    def missing(self) -> str:
        """The same as for trying programs out."""
        return trial_c.missing()

    def version(self) -> str:
        """Of GCC."""
        return ask(_gcc(), "-dumpfullversion")

    def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        """GCC reads one file at a time; one shell in one sandbox gives it all of them."""
        gcc = _gcc()
        each = f'echo "$file"; {gcc} {_GCC} -c "$file" -o /dev/null 2>&1; echo'
        done = run(
            ["/bin/sh", "-c", f"cd texts && for file in *.c; do {each}; done"],
            {f"texts/{index}.c": text.encode("utf-8", "replace") for index, text in enumerate(texts)},
            LIMITS,
            read_only=outside(gcc),
        )
        if texts and not done.passed:
            raise SandboxError(f"gcc does not work: {done.reason}: {done.stderr.strip()[-300:]}")
        found: list[list[Finding]] = [[] for _ in texts]
        index = 0
        for line in done.stdout.split("\n"):
            if re.fullmatch(r"\d+\.c", line):
                index = int(line[:-2])
            elif line.startswith("["):
                found[index] += _diagnosed(json.loads(line))
        return found


def _diagnosed(rows: Sequence[Any]) -> Iterator[Finding]:
    """Findings of what GCC says of one file."""
    for row in rows:
        option = row.get("option", "")
        cwe = row.get("metadata", {}).get("cwe") or _WARNINGS.get(option.rstrip("="))
        if cwe and row["kind"] == "warning" and row["locations"]:
            line = row["locations"][0]["caret"]["line"]
            yield Finding(option.removeprefix("-W").rstrip("="), cwe, line, line, row["message"])


def _gcc() -> Path:
    found = program("gcc")
    if found is None:
        raise SandboxError(trial_c.missing())
    return found
