"""Building and running in the eight languages: right ones, wrong ones, and several at once."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.sandbox import bubblewrap, programs, together
from codegem.sandbox.limits import SandboxError, SandboxLimits, Status
from codegem.sandbox.programs import Ran, run_programs
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchain import Toolchain
from codegem.sandbox.toolchains import LANGUAGES, find, missing

pytestmark = pytest.mark.usefixtures("sandbox")
# language: a program that prints the numbers it is given by %, and one that does not compile
TEXTS = {
    "python": ("print('%', 6 * 7)", None),
    "javascript": ("console.log('%', 6 * 7)", None),
    "cpp": ('#include <bits/stdc++.h>\nint main() { std::cout << "% " << 6 * 7 << std::endl; }', "int main() { x }"),
    "csharp": ('class P { static void Main() { System.Console.WriteLine("% " + 6 * 7); } }', "class P { x }"),
    "go": (
        'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("%", 6*7) }',
        "package main\n\nfunc main() { x }",
    ),
    "rust": ('fn main() { println!("% {}", 6 * 7); }', "fn main() { x }"),
    "java": (
        "class A { int b() { return 42; } }\npublic class Main { public static void main(String[] a) "
        '{ System.out.println("% " + new A().b()); } }',
        "public class Main { x }",
    ),
    "kotlin": ('fun main() { println("% " + listOf(6, 7).reduce { a, b -> a * b }) }', "fun main() { x }"),
}


def chain(language: str) -> Toolchain:
    if why := missing(language):
        pytest.skip(why)
    toolchain = find(language)
    assert toolchain and toolchain.language == language and any(map(str.isdigit, toolchain.version))
    return toolchain


@pytest.mark.parametrize("language", LANGUAGES)
def test_right_programs_and_one_that_does_not_compile(language: str):
    toolchain, (right, wrong) = chain(language), TEXTS[language]
    sources = [right.replace("%", str(number)) for number in range(3)]
    if wrong:
        sources.insert(1, wrong)
    done = run_programs(toolchain, sources)
    if wrong:
        bad = done.pop(1)
        assert bad.ran is None and bad.built and not bad.built.passed and bad.built.stderr and bad.built.reason
    assert [one.ran and one.ran.stdout for one in done] == [f"{number} 42\n" for number in range(3)]
    assert all((one.built is None) == (wrong is None) and not (one.built and one.built.raw) for one in done)


def test_nothing_of_the_build_but_what_was_built_reaches_the_run():
    java = chain("java")
    text = """
public class Main {
    public static void main(String[] arguments) {
        System.out.println(java.util.Arrays.toString(new java.io.File(".").list()));
    }
}"""
    (done,) = run_programs(java, [text])
    assert done.ran and done.ran.stdout == "[main.jar]\n"


def test_one_that_stops_the_compiler_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch):
    """A compiler that takes too long, too much or dies at one program of many is asked again without it."""
    fake = Toolchain(
        "fake",
        "Fake 1",
        "main.txt",
        ("/bin/cat", "main.jar"),
        probe="well\n",
        build=(("/bin/sh", "-c", _FAKE, "sh", "{seconds}", "{count}"),),
        built="main.jar",
        batch=5,
    )
    sources = ["a", "bad", "b", "hangs", "c", "grows", "d", "dies", "e", "f"]
    limits = replace(fake.build_limits, seconds=1.0)
    calls: list[int] = []
    once = together._call
    monkeypatch.setattr(together, "_call", lambda *call: calls.append(len(call[1])) or once(*call))
    done = dict(zip(sources, run_programs(fake, sources, build_limits=limits), strict=True))
    assert [name for name, one in done.items() if one.ran] == ["a", "b", "c", "d", "e", "f"]
    assert all(one.ran.stdout == name for name, one in done.items() if one.ran)
    built = {name: one.built for name, one in done.items() if one.built}
    assert (built["bad"].exit_code, built["bad"].stderr) == (1, "no good\n")
    assert (built["hangs"].status, built["hangs"].exit_code) == (Status.TIME, None)
    assert (built["grows"].status, built["grows"].passed) == (Status.MEMORY, False)
    assert (built["dies"].status, built["dies"].exit_code) == (Status.EXITED, 134)
    # The probe; a group up to "hangs"; one up to "grows", which is then alone; one up to "dies", alone, and the probe
    # again, which shows that it is not the compiler; the rest.
    assert calls == [1, 5, 5, 1, 4, 1, 1, 2]


# Frames as CompileMany writes them; lengths below 256.
_FAKE = r"""
frame() { printf '\000\000\000'; printf "\\$(printf %03o ${#1})"; printf '%s' "$1"; }
number=0
while [ $number -lt $2 ]; do
    text=$(cat $number/main.txt; echo x); text=${text%x}
    case $text in
        bad) words='no good
'; frame "$words"; frame '' ;;
        hangs) exit 3 ;;
        grows) exit 4 ;;
        dies) kill -ABRT $$ ;;
        *) frame ''; frame "$text" ;;
    esac
    number=$((number + 1))
done
"""


def test_a_toolchain_that_does_not_work_is_no_wrong_answer():
    broken = Toolchain("x", "Broken 1", "x.txt", ("/bin/false",), probe="well")
    with pytest.raises(SandboxError, match="Broken 1 does not work in the sandbox: exit code 1"):
        run_programs(broken, ["x"])
    unbuilt = Toolchain("x", "Broken 2", "x.txt", ("./x",), probe="well", build=(("/bin/false",),), built="x")
    with pytest.raises(SandboxError, match="Broken 2"):
        run_programs(unbuilt, ["x"])
    dead = Toolchain("x", "Broken 3", "x.txt", ("./x",), probe="well", build=(("/bin/false",),), built="x", batch=9)
    with pytest.raises(SandboxError, match="Broken 3"):
        run_programs(dead, ["x", "y"])


def test_frames_that_are_cut_short_or_nonsense_are_not_read():
    whole = b"\0\0\0\2hi\0\0\0\3jar" + b"\0\0\0\0\0\0\0\0"
    call = replace(run(["/usr/bin/env", "true"]), raw=whole)
    answers = together._answers(call)
    assert [(one.stderr, one.raw, one.passed) for one in answers] == [("hi", b"jar", True), ("", b"", False)]
    for length in range(len(whole)):
        assert len(together._answers(replace(call, raw=whole[:length]))) == (length >= 13)
    assert together._answers(replace(call, raw=b"\xff" * 99)) == []


@pytest.mark.parametrize("language", ["python", "cpp", "java"])
def test_unprotected_too(language: str):
    (done,) = run_programs(chain(language), [TEXTS[language][0]], unprotected=True)
    assert done.ran and done.ran.stdout == "% 42\n", done


def test_without_bubblewrap_it_refuses(monkeypatch: pytest.MonkeyPatch):
    programs._prove.cache_clear()
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None if name == "bwrap" else f"/usr/bin/{name}")
    with pytest.raises(UserError, match="needs bwrap: install bubblewrap"):
        run_programs(chain("python"), ["print(1)"])


def test_heaps_stay_within_the_memory():
    """A runtime that knows its limit says itself that it is full, and does not have to be killed."""
    done = run_programs(
        chain("javascript"),
        ["const kept = []; for (;;) kept.push(new Array(9999).fill(kept.length))"],
        SandboxLimits(memory=250 << 20, seconds=60, cpu_seconds=60),
    )[0]
    assert done.ran and done.ran.status == Status.EXITED and "heap" in done.ran.stderr


def test_from_several_threads():
    toolchain = chain("python")
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda number: run_programs(toolchain, [f"print({number})"]), range(12)))
    assert [one[0].ran and one[0].ran.stdout for one in done] == [f"{number}\n" for number in range(12)]
    assert isinstance(done[0][0], Ran)


def test_no_program_starts_for_a_runner_that_is_dead(tmp_path: Path):
    """The runner is killed while bubblewrap starts, at all sorts of moments: nothing may be left running."""
    mark = f"mark-{os.getpid()}"
    source = str(Path(bubblewrap.__file__).parents[2])
    runner = f"""
import os, sys, threading, time
from codegem.sandbox.limits import SandboxLimits
from codegem.sandbox.sandbox import run
delay = float(sys.argv[1])
def die():
    time.sleep(delay)
    os.kill(os.getpid(), 9)
threading.Thread(target=die).start()
run(["/bin/sh", "-c", "sleep 600 & sleep 600 # {mark}"], {{}}, SandboxLimits(seconds=600))
"""
    environment = os.environ | {"PYTHONPATH": source}
    others = [
        subprocess.Popen([sys.executable, "-c", runner, str(number * 0.001)], env=environment) for number in range(12)
    ]
    assert [other.wait(120) for other in others] == [-9] * len(others)
    assert not _running(mark)


def _running(mark: str) -> list[bytes]:
    import time

    deadline = time.monotonic() + 20
    while True:
        found = [text for path in Path("/proc").glob("[0-9]*/cmdline") if mark.encode() in (text := _read(path))]
        if not found or time.monotonic() > deadline:
            return found
        time.sleep(0.05)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
