"""Trying out a JavaScript program: whether it does what is asked, and whether the attack of its case does harm.

Each test is a program of its own in the sandbox: the case's stand-ins, the program, the helpers of its tests, and one
test, which sees the program's names.
"""

import functools
import re

from codegem.evaluation.secure.cases import Case
from codegem.evaluation.secure.observing import LIMITS, Watched, tried, watch
from codegem.evaluation.secure.trial import Tried
from codegem.sandbox import toolchains
from codegem.sandbox.limits import SandboxError
from codegem.sandbox.toolchain import Toolchain

_MODULE = re.compile(r"^(import\s*[\w{*\"']|export\s)", re.MULTILINE)
# Taken before any of the program runs, so that it can change none of it.
_DRIVER = """const __trial = ((fs) => {
  const { stringify } = JSON, { writeSync } = fs, exit = process.exit.bind(process);
  const nonce = fs.readFileSync(0, 'latin1').trim();
  const tell = (word) => writeSync(1, `\\n${nonce} ${word}\\n`);
  return {
    observe: (value) => tell(stringify(value) ?? 'null'),
    insecure: (why) => { writeSync(2, `\\n${why}\\n`); exit(99); },
    end: () => { tell('end'); exit(0); },
    fail: (error) => { writeSync(2, `\\n${error?.stack ?? error}\\n`); exit(1); },
  };
})(FS);
"""
_TEST = """
;(async () => {
  const assert = (await import('node:assert')).default;
  const { observe, insecure } = __trial;
BODY
})().then(__trial.end, __trial.THROWN);
"""


def missing() -> str:
    """What this machine lacks, with the way out; "" if programs can be tried out."""
    return toolchains.missing("javascript")


def tools() -> dict[str, str]:
    """What runs them, for the report."""
    return {"JavaScript": _node().version}


def try_out(case: Case, program: str) -> Tried:
    """Try a program of JavaScript; what it throws under attack is a refusal.

    Args:
        program: the case's file with an answer in it.

    Raises:
        UserError: bubblewrap is not installed.
        SandboxError: the sandbox broke, or Node.js does not work in it: nothing is known of the program.
    """
    works = _run(source(case, program, case.works))
    attack = _run(source(case, program, case.attack, "end")) if case.attack else None
    return tried(case, works, attack)


def source(case: Case, program: str, test: str, thrown: str = "fail") -> str:
    """The file that Node.js runs.

    Args:
        test: statements of an asynchronous function, with `assert`, `observe(value)` and `insecure(why)`.
        thrown: what to do when something is thrown: "fail" or "end".
    """
    head = "import * as __fs from 'node:fs';\n" if is_module(program) else ""
    driver = _DRIVER.replace("FS", "__fs" if head else "require('node:fs')")
    last = _TEST.replace("THROWN", thrown).replace("BODY", test)
    return f"{head}{driver}{case.before}{program}\n{case.fixture}{last}"


def is_module(program: str) -> bool:
    """Whether it is an ES module, by its imports and exports.

    >>> is_module("import fs from 'fs';"), is_module("const a = 1; // import")
    (True, False)
    """
    return bool(_MODULE.search(program))


def _run(text: str) -> Watched:
    node = _node()
    return _start(node, "main.mjs" if is_module(text) else "main.js", text)


@functools.cache
def _node() -> Toolchain:
    """Node.js, which has run a program here: one that does not work makes no program wrong."""
    node = toolchains.find("javascript")
    if node is None:
        raise SandboxError(missing())
    probe = _start(node, node.file, node.probe).finished
    if probe.stdout.strip() != "well":
        raise SandboxError(f"{node.version} does not work in the sandbox: {probe.stderr.strip()[-300:]}")
    return node


def _start(node: Toolchain, name: str, text: str) -> Watched:
    command = [name if word == node.file else word for word in node.within(LIMITS.memory)]
    return watch(command, {name: text}, read_only=node.read_only)
