"""What static analysers say of the planted answers in JavaScript and C, alone: which of them would add anything.

    CODEGEM_ESLINT=FOLDER python benchmarks/secure_analysers.py

ESLint and its plugins are where `npm install --prefix FOLDER eslint eslint-plugin-security
eslint-plugin-no-unsanitized` has put them; cppcheck is a package of Debian, flawfinder one of Python. A row tells of
how many vulnerable answers an analyser finds the weakness of the case in the answer's lines, in how many safe ones
(a false alarm), and in how many of each it finds anything at all.
"""

import csv
import io
import json
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

from codegem.evaluation.secure.analysers import LIMITS, Analyser, Finding, names_weakness, read_json
from codegem.evaluation.secure.analysers_c import Gcc
from codegem.evaluation.secure.cases import Case, read_cases
from codegem.evaluation.secure.trial_javascript import is_module
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchain import ask, outside, program

_PRECISE = {
    "no-eval": 94,
    "no-implied-eval": 94,
    "no-new-func": 94,
    "no-script-url": 79,
    "no-unsanitized/method": 79,
    "no-unsanitized/property": 79,
    "security/detect-child-process": 78,
    "security/detect-pseudoRandomBytes": 338,
    "security/detect-unsafe-regex": 1333,
}
_ALL = _PRECISE | {
    "security/detect-non-literal-fs-filename": 22,
    "security/detect-non-literal-regexp": 1333,
    "security/detect-object-injection": 1321,
    "security/detect-possible-timing-attacks": 208,
}
_SETTINGS = """import security from 'HOME/eslint-plugin-security/index.js';
import unsanitized from 'HOME/eslint-plugin-no-unsanitized/index.js';
const shared = { plugins: { security, 'no-unsanitized': unsanitized }, rules: RULES };
export default [
  { files: ['**/*.mjs'], languageOptions: { sourceType: 'module' }, ...shared },
  { files: ['**/*.cjs'], languageOptions: { sourceType: 'commonjs' }, ...shared },
];
"""
_CPPCHECK = (
    "--xml",
    "--enable=warning,portability",
    "--inconclusive",
    "--language=c",
    "--library=posix,gnu",
    "--quiet",
)


@dataclass(frozen=True)
class ESLint:
    """ESLint (https://eslint.org) with two plugins: all rules, or those that safe code rarely meets."""

    name: str
    rules: tuple[tuple[str, int], ...]

    def missing(self) -> str:
        """Where it is not installed, how to."""
        return "" if (self._home() / "eslint").is_dir() else "no ESLint in CODEGEM_ESLINT"

    def version(self) -> str:
        """Of ESLint."""
        return json.loads((self._home() / "eslint" / "package.json").read_text())["version"]

    def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        """One call for all texts."""
        home, node, rules = self._home(), program("node"), dict(self.rules)
        assert node
        settings = _SETTINGS.replace("HOME", str(home)).replace("RULES", json.dumps(dict.fromkeys(rules, "warn")))
        files = {f"texts/{index}.{'mjs' if is_module(text) else 'cjs'}": text for index, text in enumerate(texts)}
        command = [str(node), str(home / "eslint/bin/eslint.js"), "--no-inline-config", "--format", "json", "texts"]
        done = run(command, {"eslint.config.mjs": settings, **files}, LIMITS, read_only=(*outside(node), home.parent))
        found: list[list[Finding]] = [[] for _ in texts]
        for row in read_json(self.name, done):
            for entry in row["messages"]:
                if (rule := entry["ruleId"]) in rules:
                    last = entry.get("endLine") or entry["line"]
                    finding = Finding(rule, rules[rule], entry["line"], last, entry["message"])
                    found[int(Path(row["filePath"]).stem)].append(finding)
        return found

    def _home(self) -> Path:
        return Path(os.environ.get("CODEGEM_ESLINT", "none")).absolute() / "node_modules"


@dataclass(frozen=True)
class Cppcheck:
    """cppcheck (https://cppcheck.sourceforge.io)."""

    name: str = "cppcheck"

    def missing(self) -> str:
        """Where it is not installed, how to."""
        return "" if program("cppcheck") else "no cppcheck: `apt-get install cppcheck`"

    def version(self) -> str:
        """Of the program."""
        return ask("cppcheck", "--version").removeprefix("Cppcheck ")

    def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        """One call for all texts."""
        tool = program("cppcheck")
        assert tool
        files = {f"texts/{index}.c": text for index, text in enumerate(texts)}
        done = run([str(tool), *_CPPCHECK, "texts"], files, LIMITS, read_only=outside(tool))
        found: list[list[Finding]] = [[] for _ in texts]
        for row in ElementTree.fromstring(done.stderr[done.stderr.index("<?xml") :]).iter("error"):
            if (place := row.find("location")) is not None:
                line = int(place.get("line", "0"))
                finding = Finding(row.get("id", ""), int(row.get("cwe", "0")) or None, line, line, row.get("msg", ""))
                found[int(Path(place.get("file", "")).stem)].append(finding)
        return found


@dataclass(frozen=True)
class Flawfinder:
    """flawfinder (https://dwheeler.com/flawfinder); what is marked as to be ignored counts all the same."""

    name: str = "flawfinder"

    def missing(self) -> str:
        """Where it is not installed, how to."""
        return "" if find_spec("flawfinder") else "no flawfinder: `pip install flawfinder`"

    def version(self) -> str:
        """Of the package."""
        return version("flawfinder")

    def find(self, texts: Sequence[str]) -> list[list[Finding]]:
        """One call for all texts."""
        interpreter = Path(sys.executable).resolve()
        packages = [Path(path) for path in sys.path if path.endswith("-packages") and Path(path).is_dir()]
        start = f"import sys; sys.path[:0] = {[str(path) for path in packages]}; import flawfinder; flawfinder.main()"
        files = {f"texts/{index}.c": text for index, text in enumerate(texts)}
        command = [str(interpreter), "-S", "-B", "-c", start, "--csv", "--neverignore", "--minlevel=1", "texts"]
        done = run(command, files, LIMITS, read_only=(*outside(interpreter), *packages))
        found: list[list[Finding]] = [[] for _ in texts]
        for row in csv.DictReader(io.StringIO(done.stdout)):
            line = int(row["Line"])
            for cwe in re.findall(r"CWE-(\d+)", row["CWEs"]):
                finding = Finding(f"{row['Category']}/{row['Name']}", int(cwe), line, line, row["Warning"])
                found[int(Path(row["File"]).stem)].append(finding)
        return found


def main() -> None:
    """Print a row for each analyser."""
    eslint = ESLint("eslint, all", tuple(_ALL.items())), ESLint("eslint, precise", tuple(_PRECISE.items()))
    by_language: dict[str, tuple[Analyser, ...]] = {"javascript": eslint, "c": (Gcc(), Cppcheck(), Flawfinder())}
    print(f"{'':34}{'vulnerable: the weakness':>26}{'anything':>10}{'safe: the weakness':>22}{'anything':>10}")
    for language, analysers in by_language.items():
        cases, _ = read_cases(languages=[language])
        for analyser in analysers:
            if reason := analyser.missing():
                print(f"{language:12}{analyser.name}: skipped, {reason}")
                continue
            told = [cell for planted in ("vulnerable", "safe") for cell in counted(analyser, cases, planted)]
            of_vulnerable, any_vulnerable, of_safe, any_safe = told
            name = f"{language:12}{analyser.name} {analyser.version()}"
            print(f"{name:34}{of_vulnerable:>26}{any_vulnerable:>10}{of_safe:>22}{any_safe:>10}")


def counted(analyser: Analyser, cases: Sequence[Case], planted: str) -> Iterator[str]:
    """In how many of the planted answers an analyser finds the weakness, and anything."""
    answers = [(case, answer) for case in cases for answer in getattr(case, planted)]
    found = analyser.find([case.program(answer) for case, answer in answers])
    named = anything = 0
    for (case, answer), findings in zip(answers, found, strict=True):
        named += any(names_weakness(case, answer, analyser.name, finding) for finding in findings)
        lines = case.lines(answer)
        anything += any(finding.line < lines.stop and finding.end >= lines.start for finding in findings)
    yield f"{named} of {len(answers)}"
    yield str(anything)


if __name__ == "__main__":
    main()
