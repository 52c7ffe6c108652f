"""Programs that want out, want everything, or want to stay; each runs beside an innocent one that must not notice.

Each file of `hostile/` says in its first line what has to be seen: "held" (it prints that, after all that it tried
was refused), "fails" (it ends by itself, not well), "no build", or the limit that stops it. None may print "ESCAPED".
"""

import os
import re
import socket
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from codegem.sandbox.limits import Finished, SandboxLimits, Status
from codegem.sandbox.programs import Ran, run_programs
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchains import LANGUAGES, find, missing

HOSTILE = Path(__file__).with_name("hostile")
PROGRAMS = sorted(HOSTILE.glob("*/*.*"))
LIMITS = SandboxLimits(seconds=30.0, cpu_seconds=30, memory=300 << 20, processes=60, files=2000, folder_bytes=32 << 20)
INNOCENT = """
import hashlib, sys
digest = b"innocent"
for _ in range(20000):
    digest = hashlib.sha256(digest).digest()
open("/tmp/kept", "wb").write(digest * 1000)
print(hashlib.sha256(open("/tmp/kept", "rb").read()).hexdigest())
"""


pytestmark = pytest.mark.usefixtures("sandbox")


def test_there_are_enough_of_them():
    assert len(PROGRAMS) >= 60
    assert {path.parent.name for path in PROGRAMS} == set(LANGUAGES)


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """What hostile programs look for; afterwards nothing of them may be left."""
    folder = tmp_path_factory.mktemp("machine")
    secret = folder / "answers.txt"
    secret.write_text("s3cret-answer")
    own = os.getpid() if os.getpid() > 5000 else 999_999  # else a process in the sandbox may have the same number
    words = {"SECRET": str(secret), "PID": str(own), "ADDRESS": f"address-{own}", "MARK": f"mark-{os.getpid()}"}
    before, hidden = _seen(), os.environ.get("CODEGEM_SECRET")
    os.environ["CODEGEM_SECRET"] = "s3cret-answer"
    with socket.create_server(("127.0.0.1", 0)) as tcp, socket.socket(socket.AF_UNIX) as unix:
        unix.bind(f"\0{words['ADDRESS']}")
        unix.listen()
        for server in (tcp, unix):
            server.setblocking(False)
        yield words | {"PORT": str(tcp.getsockname()[1])}
        for server in (tcp, unix):
            with pytest.raises(BlockingIOError):
                server.accept()
    os.environ.pop("CODEGEM_SECRET")
    if hidden is not None:
        os.environ["CODEGEM_SECRET"] = hidden
    assert secret.read_text() == "s3cret-answer" and list(folder.iterdir()) == [secret]
    deadline = time.monotonic() + 10
    while (_seen() != before or _marked(words["MARK"])) and time.monotonic() < deadline:
        time.sleep(0.1)  # what is killed takes a moment to go
    assert _seen() == before
    assert not _marked(words["MARK"])


@pytest.fixture(scope="module")
def innocent() -> str:
    """What the neighbour prints where nobody disturbs it."""
    return _innocent().stdout


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_it_does_not_get_out_and_disturbs_nobody(path: Path, machine: dict[str, str], innocent: str):
    if why := missing(path.parent.name):
        pytest.skip(why)
    text = re.sub("@([A-Z]+)@", lambda found: machine[found[1]], path.read_text())
    expected = re.search(r"expected: (.*)", text)
    assert expected
    with ThreadPoolExecutor(1) as pool:
        over = Event()
        neighbour = pool.submit(_beside, over, innocent)
        try:
            done = _hostile(path.parent.name, text, expected[1].split(" | "))
        finally:
            over.set()
        assert neighbour.result() >= 1
    last = done.ran or done.built
    assert last is not None
    for one in (done.built, done.ran):
        said = one.stdout + one.stderr if one else ""
        assert "ESCAPED" not in said, said[-2000:]
        assert "s3cret-answer" not in said and "root:" not in said
    assert _kinds(done) & set(expected[1].split(" | ")), (done.ran or done.built, done.built and done.built.stderr)


def _hostile(language: str, text: str, expected: list[str]) -> Ran:
    toolchain = find(language)
    assert toolchain
    limits, build_limits = LIMITS, toolchain.build_limits
    if Status.TIME in expected:
        limits = replace(limits, seconds=1.5)
    if expected == ["no build"]:
        build_limits = replace(build_limits, seconds=2.0, memory=700 << 20)
    return run_programs(toolchain, [text], limits, build_limits)[0]


def _kinds(done: Ran) -> set[str]:
    """The words of the first line that are true of a run."""
    if done.ran is None:
        return {"no build"}
    kinds = {str(done.ran.status)}
    if done.ran.passed and "held" in done.ran.stdout:
        kinds.add("held")
    if done.ran.status == Status.EXITED and not done.ran.passed:
        kinds.add("fails")
    return kinds


def _beside(over: Event, right: str) -> int:
    """Run the innocent program as long as the hostile one runs, and at least once."""
    many = 0
    while many == 0 or not over.is_set():
        done = _innocent()
        assert (done.status, done.exit_code, done.stdout) == (Status.EXITED, 0, right), done
        many += 1
    return many


def _innocent() -> Finished:
    python = find("python")
    assert python
    limits = SandboxLimits(seconds=30.0, cpu_seconds=30, memory=200 << 20, processes=8)
    return run(python.command, {python.file: INNOCENT}, limits, read_only=python.read_only, hidden=python.hidden)


def _seen() -> dict[str, list[str]]:
    """What a program that got out would change: mounts, this process's groups and children, files of its users."""
    folders = {Path(tempfile.gettempdir()), Path("/tmp"), Path("/dev/shm"), Path("/var/tmp"), Path.home(), Path.cwd()}
    found = [path for folder in folders for path in folder.iterdir() if "hostile" in path.name or _of_a_run(path)]
    return {
        "mounts": Path("/proc/self/mountinfo").read_text().splitlines(),
        "groups": Path("/proc/self/cgroup").read_text().splitlines(),
        "files": sorted(map(str, found)),
        "processes": [path.parent.name for path in Path("/proc").glob("[0-9]*/stat") if _of_a_run(path.parent)],
    }


def _of_a_run(path: Path) -> bool:
    """Whether it belongs to one of the users that this process, as root, gives to its runs."""
    try:
        return path.lstat().st_uid >> 8 == (1 << 30 >> 8) + os.getpid()
    except OSError:
        return False


def _marked(mark: str) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            pass
    return found
