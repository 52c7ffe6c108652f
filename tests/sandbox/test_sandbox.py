"""Programs that try to get out, to stay, or to take everything; each is run for real."""

import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from codegem.errors import UserError
from codegem.sandbox import bubblewrap, seccomp
from codegem.sandbox.limits import Finished, SandboxError, SandboxLimits, Status
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchains import find

pytestmark = pytest.mark.usefixtures("sandbox")
PYTHON = find("python")
assert PYTHON is not None


def python(program: str, *, unprotected: bool = False, **limits) -> Finished:
    assert PYTHON is not None
    files = {PYTHON.file: program}
    limit = SandboxLimits(**limits)
    return run(PYTHON.command, files, limit, read_only=PYTHON.read_only, unprotected=unprotected)


def test_a_program_that_is_well():
    done = python("import sys\nprint('out')\nprint('err', file=sys.stderr)\n")
    assert (done.status, done.exit_code, done.stdout, done.stderr) == (Status.EXITED, 0, "out\n", "err\n")
    assert done.passed and done.reason == "" and 0 < done.seconds < 10


@pytest.mark.parametrize(
    ("program", "code", "reason"),
    [
        ("raise SystemExit(3)", 3, "exit code 3"),
        ("1 / 0", 1, "exit code 1"),
        ("import os; os.kill(os.getpid(), 9)", 137, "ended by SIGKILL"),
        ("import os; os.abort()", 134, "ended by SIGABRT"),
        ("import os; os._exit(255)", 255, "exit code 255"),
    ],
)
def test_a_program_that_fails(program: str, code: int, reason: str):
    done = python(program)
    assert (done.exit_code, done.reason, done.passed) == (code, reason, False)


def test_files_in_folders_and_bytes():
    program = "import pathlib\nprint(pathlib.Path('a/b/c.bin').read_bytes(), sorted(pathlib.Path().iterdir()))"
    assert PYTHON is not None
    done = run(PYTHON.command, {"main.py": program, "a/b/c.bin": b"\x00\xff"}, read_only=PYTHON.read_only)
    assert done.stdout == "b'\\x00\\xff' [PosixPath('a'), PosixPath('main.py')]\n", done.stderr


def test_no_network():
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        done = python(f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)")
        assert not done.passed and "refused" in done.stderr
        with pytest.raises(TimeoutError):
            server.accept()
    assert not python("import socket\nsocket.create_connection(('192.0.2.1', 80), 2)").passed
    assert python("import socket\nprint([name for _, name in socket.if_nameindex()])").stdout == "['lo']\n"


def test_nothing_of_the_machine_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    secret = tmp_path / "secret"
    secret.write_text("s3cret")
    monkeypatch.setenv("API_TOKEN", "s3cret")
    done = python(
        f"""
import os, pathlib
for path in ({str(secret)!r}, {str(Path.home())!r}, "/etc/passwd", "/etc/shadow", "/root/.ssh", "/home", "/var",
             "/boot", "/proc/1/environ", "/proc/1/root", "/proc/kcore", "/run", "/sys"):
    try:
        seen = sorted(os.listdir(path)) if os.path.isdir(path) else open(path, "rb").read(9)
        print(path, seen)
    except OSError:
        pass
print("environ", sorted(os.environ), "s3cret" in str(os.environ))
print("processes", sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
print("user", os.getuid() not in (0, {os.getuid()}), os.getgroups() in ([], [os.getgid()]))
"""
    )
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert told.pop("environ") == "['HOME', 'LANG', 'PATH', 'PWD', 'TMPDIR'] False"
    assert told.pop("processes") in ("[1, 2]", "[1, 2, 3]")
    assert told.pop("user") == "True True"
    home = told.pop(str(Path.home()), "[]")  # the toolchain may lie in it: then that way is there, and nothing else
    assert home == "[]" or Path(sys.base_prefix).is_relative_to(Path.home())
    assert home.count(",") == 0
    assert told == {}, done.stderr


def test_nothing_outside_can_be_written(tmp_path: Path):
    done = python(
        f"""
import os
paths = ["/x", "/usr/x", "/usr/bin/x", "/dev/x", "/etc/x", "/proc/sys/kernel/hostname", "/proc/sysrq-trigger",
         {sys.base_prefix!r} + "/x", {str(tmp_path)!r} + "/x", os.path.expanduser("~root/x")]
for path in paths:
    try:
        open(path, "w").close()
        print(path)
    except OSError:
        pass
for path in ("/work/x", "/tmp/x", "/dev/shm/x", "main.py"):
    open(path, "w").close()
"""
    )
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    assert list(tmp_path.iterdir()) == []


def test_no_way_to_more_rights():
    done = python(
        """
import ctypes, os
print([line.split()[1] for line in open("/proc/self/status") if line.startswith(("CapPrm", "CapEff", "NoNewPrivs"))])
libc = ctypes.CDLL(None, use_errno=True)
print(libc.mount(b"none", b"/tmp", b"tmpfs", 0, None), libc.setuid(0), libc.chroot(b"/tmp"), libc.sethostname(b"x", 1))
"""
    )
    assert done.stdout == "['0000000000000000', '0000000000000000', '1']\n-1 -1 -1 -1\n", done.stderr


@pytest.mark.skipif(seccomp.program() is None, reason="system calls of this processor are not known")
def test_calls_of_the_kernel_that_are_not_there():
    done = python(
        """
import ctypes, os, subprocess, threading
libc = ctypes.CDLL(None, use_errno=True)
def error(result):
    return os.strerror(ctypes.get_errno()) if result == -1 else "allowed"
print("memfd", error(libc.memfd_create(b"x", 0)))
print("shmget", error(libc.shmget(0, 1 << 20, 0o1600)))
print("unshare", error(libc.unshare(0x10000000)))
print("ptrace", error(libc.ptrace(0, 0, 0, 0)))
print("namespace", error(libc.syscall({"x86_64": 56, "aarch64": 220}[os.uname().machine], 0x10000011, 0, 0, 0, 0)))
thread = threading.Thread(target=print, args=("a thread",)); thread.start(); thread.join()
print(subprocess.run(["/bin/echo", "a process"], capture_output=True, text=True).stdout.strip())
"""
    )
    assert done.stdout.splitlines() == [
        "memfd Function not implemented",
        "shmget Function not implemented",
        "unshare Operation not permitted",
        "ptrace Operation not permitted",
        "namespace Operation not permitted",
        "a thread",
        "a process",
    ], done.stderr


@pytest.mark.parametrize(
    ("program", "limits", "status"),
    [
        ("import time\ntime.sleep(600)", {"seconds": 0.4}, Status.TIME),
        ("while True: pass", {"seconds": 0.4}, Status.TIME),
        (
            "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: pass",
            {"seconds": 0.4},
            Status.TIME,
        ),
        ("import os, time\nos.close(1); os.close(2)\ntime.sleep(600)", {"seconds": 0.4}, Status.TIME),
        ("while True: print('x' * 1000)", {}, Status.OUTPUT),
        ("import os\nwhile True: os.write(2, bytes(1 << 16))", {}, Status.OUTPUT),
        ("kept = []\nwhile True: kept.append(b'x' * (4 << 20))", {"memory": 150 << 20}, Status.MEMORY),
        (
            "import os, time\nfor _ in range(6):\n    if not os.fork():\n        kept = b'x' * (40 << 20)\n"
            "        time.sleep(600)\nos.wait()",
            {"memory": 150 << 20},
            Status.MEMORY,
        ),
        ("for n in range(10**6): open(str(n), 'w').close()", {"files": 500}, Status.FILES),
        ("for n in range(10**6): open(f'/tmp/{n}', 'w').close()", {"files": 500}, Status.FILES),
    ],
)
def test_a_limit_ends_it(program: str, limits: dict, status: Status):
    done = python(program, **limits)
    assert (done.status, done.exit_code, done.passed) == (status, None, False), done
    assert done.reason == f"stopped: {status}"
    assert len(done.stdout) <= SandboxLimits().output_bytes


def test_processor_time_is_held():
    done = python("while True: pass", cpu_seconds=1, seconds=60)
    assert done.status == Status.EXITED and done.exit_code in (137, 152)


def test_one_file_and_all_files_are_held():
    assert (
        "File too large"
        in python("f = open('x', 'wb')\nwhile True: f.write(bytes(1 << 20))", file_bytes=3 << 20).stderr
    )
    many = "for n in range(99):\n    with open(str(n), 'wb') as f: f.write(bytes(1 << 20))"
    for folder in ("/work", "/tmp", "/dev/shm"):
        done = python(f"import os\nos.chdir({folder!r})\n{many}", folder_bytes=5 << 20)
        assert "No space left" in done.stderr, folder


@pytest.mark.parametrize("limit", [8, 40])
def test_a_fork_bomb_stays_small(limit: int):
    bomb = """
import os, time
made = 0
while made < 2000:
    try:
        if os.fork() == 0:
            time.sleep(600)
            os._exit(0)
        made += 1
    except OSError:
        print("refused after", made, flush=True)
        break
"""
    done = python(bomb, processes=limit, seconds=20)
    assert done.status in (Status.EXITED, Status.PROCESSES)
    if done.status == Status.EXITED:
        assert int(done.stdout.split()[-1]) <= limit
    endless = python(
        "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", processes=limit, seconds=0.7
    )
    assert endless.exit_code is None
    assert run(["/usr/bin/env", "true"]).passed  # the machine is well afterwards


def test_no_child_outlives_its_parent(tmp_path: Path):
    marker = f"{os.getpid()}.{time.monotonic_ns()}"
    program = f"""
import os, sys, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "{marker}"])
    os._exit(0)
time.sleep(0.3)
print("parent is done")
"""
    done = python(program, seconds=30)
    assert (done.exit_code, done.stdout) == (0, "parent is done\n")
    assert done.seconds < 20  # nobody waited for the child
    assert not _running(marker)


def test_what_is_stopped_is_gone():
    marker = f"{os.getpid()}.{time.monotonic_ns()}"
    program = f"""
import os, sys, time
for _ in range(5):
    if os.fork() == 0:
        os.setsid()
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", "{marker}"])
time.sleep(600)
"""
    assert python(program, seconds=1.0).status == Status.TIME
    assert not _running(marker)


def test_a_program_dies_with_whoever_ran_it():
    """The process that runs the sandbox is killed, and has no time to clean up."""
    marker = f"{os.getpid()}.{time.monotonic_ns()}"
    runner = f"""
from codegem.sandbox.limits import SandboxLimits
from codegem.sandbox.sandbox import run
run(["/usr/bin/env", "sh", "-c", "sleep 600 & sleep 600 # {marker}"], {{}}, SandboxLimits(seconds=600))
"""
    source = str(Path(bubblewrap.__file__).parents[2])
    other = subprocess.Popen([sys.executable, "-c", runner], env=os.environ | {"PYTHONPATH": source})
    deadline = time.monotonic() + 60
    # Once the shell runs, every process above it has asked to die with its parent; bubblewrap takes some milliseconds.
    while not any(_read(path).startswith(b"sh\0") for path in _running_now(marker)):
        assert time.monotonic() < deadline and other.poll() is None
        time.sleep(0.02)
    other.kill()
    other.wait()
    assert not _running(marker)


def test_kill_everything_reaches_nobody_outside():
    other = subprocess.Popen(["sleep", "60"])
    loop = "import os\nfor n in (-1, *range(1, 70000)):\n    try: os.kill(n, 9)\n    except OSError: pass\n"
    try:
        done = python(loop)
        assert (done.status, done.exit_code) in ((Status.EXITED, 0), (Status.EXITED, 137))
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


def test_an_answer_does_not_leave_through_bubblewraps_own_channel():
    """The pipe on which bubblewrap tells the exit code is not open inside."""
    done = python("import os\nprint(sorted(os.listdir('/proc/self/fd')))\nraise SystemExit(7)")
    assert done.exit_code == 7
    assert done.stdout == "['0', '1', '2', '3']\n", done.stdout  # 3 is the folder that is listed


def test_output_that_is_not_utf_8():
    assert python("import os\nos.write(1, b'a\\xff\\x00b')").stdout == "a\ufffd\x00b"


def test_standard_input_is_empty():
    assert python("import sys\nprint(repr(sys.stdin.read()))").stdout == "''\n"


@pytest.mark.parametrize("name", ["../x", "/etc/x", "a/../../x", "", ".", "a\0b"])
def test_a_file_outside_the_work_folder_is_refused(name: str):
    with pytest.raises(ValueError, match="work folder"):
        run(["/usr/bin/env", "true"], {name: "x"})


def test_what_the_sandbox_lacks_is_no_wrong_answer(tmp_path: Path):
    with pytest.raises(SandboxError, match="nowhere is not on this machine"):
        run(["/usr/bin/nowhere"])
    with pytest.raises(SandboxError, match="nowhere is not on this machine"):
        run(["/usr/bin/env", "true"], read_only=[tmp_path / "nowhere"])
    with pytest.raises(ValueError, match="absolute path"):
        run(["python3", "main.py"])


def test_a_sandbox_that_fails_is_no_wrong_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with pytest.raises(SandboxError, match="No permissions"):
        run(["/usr/bin/env", "true"])


def test_without_bubblewrap_it_refuses_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bubblewrap.shutil, "which", lambda name: None if name == "bwrap" else f"/usr/bin/{name}")
    with pytest.raises(UserError, match="needs bwrap: install bubblewrap"):
        run(["/usr/bin/env", "true"])


def test_unprotected_is_watched_too():
    assert python("print(6 * 7)", unprotected=True).stdout == "42\n"
    assert python("import time\ntime.sleep(600)", unprotected=True, seconds=0.4).status == Status.TIME
    assert python("while True: print('x' * 1000)", unprotected=True).status == Status.OUTPUT
    assert (
        python("kept = []\nwhile True: kept.append(b'x' * (4 << 20))", unprotected=True, memory=150 << 20).status
        == Status.MEMORY
    )
    assert python("raise SystemExit(3)", unprotected=True).exit_code == 3
    assert python("import os; os.kill(os.getpid(), 9)", unprotected=True).exit_code == 137


def test_many_at_once_do_not_meet():
    program = "import os, time\nprint({}, os.listdir('/work'), os.getuid())\nopen('mine', 'x')\ntime.sleep(0.2)"
    with ThreadPoolExecutor(6) as pool:
        done = list(pool.map(lambda number: python(program.format(number)), range(12)))
    assert [one.stdout.partition(" [")[0] for one in done] == list(map(str, range(12)))
    assert {one.stdout.partition("[")[2].partition("]")[0] for one in done} == {"'main.py'"}
    assert all(one.passed for one in done)


def test_javascript():
    node = find("javascript")
    if node is None:
        pytest.skip("no node in /usr/bin or /usr/local/bin")
    done = run(node.command, {node.file: "console.log([1, 2].map(x => x * 2).join())"})
    assert done.stdout == "2,4\n", done.stderr


def _running(marker: str) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if not _running_now(marker):
            return False
        time.sleep(0.05)
    return True


def _running_now(marker: str) -> list[Path]:
    return [path for path in Path("/proc").glob("[0-9]*/cmdline") if marker.encode() in _read(path)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""
