"""One build of several programs, by `CompileMany.java`."""

import struct
from collections.abc import Sequence
from dataclasses import replace

from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits, Status
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchain import Toolchain

_STOPPED = {3: Status.TIME, 4: Status.MEMORY}  # exit codes of CompileMany, at a program that took too much
_LENGTH = struct.Struct(">I")


def build(toolchain: Toolchain, sources: Sequence[str], limits: SandboxLimits, unprotected: bool) -> list[Finished]:
    """Build programs, each within the limits; the `raw` of each is what was built of it.

    A program at which the compiler ends is built again, alone, so that nobody else pays for it; those behind it go on
    in a new call.

    Raises:
        SandboxError: the compiler does not work.
    """
    done: list[Finished] = []
    while len(done) < len(sources):
        group = sources[len(done) : len(done) + toolchain.batch]
        done += _together(toolchain, group, limits, unprotected)
    return done


def _together(toolchain: Toolchain, group: Sequence[str], limits: SandboxLimits, unprotected: bool) -> list[Finished]:
    """The first programs of a group: all of them, or up to the one at which the compiler ends."""
    built: list[Finished] = []
    if len(group) > 1:
        call = _call(toolchain, group, limits, unprotected)
        built = _answers(call)[: len(group)]
        if len(built) == len(group):
            return built
        if call.exit_code == 3:
            return [*built, _stopped(call, Status.TIME)]
    return [*built, _alone(toolchain, group[len(built)], limits, unprotected)]


def _call(toolchain: Toolchain, sources: Sequence[str], limits: SandboxLimits, unprotected: bool) -> Finished:
    """All of them in one sandbox; the compiler looks at the clock of each."""
    many = len(sources) + 1  # and the machine's own start
    words = {"{seconds}": str(max(1, round(limits.seconds))), "{count}": str(len(sources))}
    return run(
        [words.get(word, word) for word in toolchain.build[0]],
        {f"{number}/{toolchain.file}": source for number, source in enumerate(sources)},
        replace(limits, seconds=limits.seconds * many, cpu_seconds=limits.cpu_seconds * many),
        read_only=toolchain.tools,
        unprotected=unprotected,
    )


def _alone(toolchain: Toolchain, source: str, limits: SandboxLimits, unprotected: bool) -> Finished:
    call = _call(toolchain, [source], limits, unprotected)
    if answers := _answers(call):
        return answers[0]
    if call.exit_code is None or call.exit_code in _STOPPED:
        return _stopped(call, _STOPPED.get(call.exit_code or 0, call.status))
    if not _answers(_call(toolchain, [toolchain.probe], limits, unprotected)):
        raise SandboxError(f"{toolchain.version} does not work in the sandbox: {call.stderr.strip()[-300:]}")
    return replace(call, stdout="", raw=b"")  # it is the program that makes the compiler fail


def _answers(call: Finished) -> list[Finished]:
    """Each program's compiler words and jar, as far as they came whole."""
    found, place = [], 0
    while (words := _piece(call.raw, place)) is not None:
        place += _LENGTH.size + len(words)
        if (jar := _piece(call.raw, place)) is None:
            break
        place += _LENGTH.size + len(jar)
        told = words.decode("utf-8", "replace")
        reason = "" if jar else "exit code 1"
        found.append(Finished(Status.EXITED, 0 if jar else 1, "", told, call.seconds, reason, jar))
    return [replace(one, seconds=call.seconds / len(found)) for one in found]


def _piece(data: bytes, place: int) -> bytes | None:
    start = place + _LENGTH.size
    if start > len(data):
        return None
    end = start + _LENGTH.unpack_from(data, place)[0]
    return data[start:end] if end <= len(data) else None


def _stopped(call: Finished, status: Status) -> Finished:
    return Finished(status, None, "", call.stderr, call.seconds, f"stopped: {status}")
