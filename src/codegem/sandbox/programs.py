"""Building and running programs of one file: what a model wrote, with a driver around it.

A program is built in one sandbox and runs in another, which gets nothing but what was built. These bytes are
handed from one to the other; nothing here looks into them.

    >>> from codegem.sandbox.toolchains import find
    >>> run_programs(find("python"), ["print(6 * 7)"])[0].ran.stdout      # doctest: +SKIP
    '42\\n'
"""

import functools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace

from codegem.sandbox import together
from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchain import Toolchain


@dataclass(frozen=True)
class Ran:
    """What became of a program.

    Attributes:
        built: how its build ended; None for a language without one. What the compiler says is in `stderr`.
        ran: how its run ended; None where it was not built.
    """

    built: Finished | None
    ran: Finished | None


def run_programs(
    toolchain: Toolchain,
    sources: Sequence[str],
    limits: SandboxLimits | None = None,
    build_limits: SandboxLimits | None = None,
    *,
    unprotected: bool = False,
) -> list[Ran]:
    """Build programs, together where that is faster, and run each that could be built.

    Args:
        sources: the text of each program, a file that the toolchain calls `toolchain.file`.
        limits: of each run; the toolchain's own where None.
        build_limits: of the build of one program; the toolchain's own where None.
        unprotected: without bubblewrap, as in `sandbox.run`.

    Returns:
        What became of each, in order.

    Raises:
        UserError: bubblewrap is not installed.
        SandboxError: the sandbox or the toolchain does not work, so nothing is known of any of them.
    """
    _prove(toolchain, unprotected)
    return _run_programs(toolchain, sources, limits or toolchain.limits, build_limits, unprotected)


@functools.cache
def _prove(toolchain: Toolchain, unprotected: bool) -> None:
    """A toolchain that can't even build and run its own probe makes no program wrong."""
    (done,) = _run_programs(toolchain, [toolchain.probe], toolchain.limits, None, unprotected)
    last = done.ran or done.built
    if last is None or not last.passed or last.stdout.strip() != "well":
        told = last and (last.stderr.strip()[-300:] or last.reason)
        raise SandboxError(f"{toolchain.version} does not work in the sandbox: {told}")


def _run_programs(
    toolchain: Toolchain,
    sources: Sequence[str],
    limits: SandboxLimits,
    build_limits: SandboxLimits | None,
    unprotected: bool,
) -> list[Ran]:
    build_limits = build_limits or toolchain.build_limits
    if not toolchain.build:
        return [Ran(None, _run(toolchain, toolchain.file, source, limits, unprotected)) for source in sources]
    if toolchain.batch > 1:
        builds = together.build(toolchain, sources, build_limits, unprotected)
    else:
        builds = [_build(toolchain, source, build_limits, unprotected) for source in sources]
    done = []
    for built in builds:
        ran = _run(toolchain, toolchain.built, built.raw, limits, unprotected) if built.passed else None
        done.append(Ran(replace(built, raw=b""), ran))
    return done


def _run(toolchain: Toolchain, name: str, content: str | bytes, limits: SandboxLimits, unprotected: bool) -> Finished:
    return run(
        toolchain.within(limits.memory),
        {name: content},
        limits,
        read_only=toolchain.read_only,
        hidden=toolchain.hidden,
        unprotected=unprotected,
    )


def _build(toolchain: Toolchain, source: str, limits: SandboxLimits, unprotected: bool) -> Finished:
    """One program; its `raw` is what was built."""
    steps = [f"{shlex.join(words)} >&2" for words in toolchain.build]
    script = " && ".join([*steps, f"exec cat {toolchain.built}"])
    files = {toolchain.file: source}
    built = run(["/bin/sh", "-c", script], files, limits, read_only=toolchain.tools, unprotected=unprotected)
    return replace(built, stdout="")
