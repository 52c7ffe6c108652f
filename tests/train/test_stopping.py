import os
import signal
import subprocess
import sys
import threading

import pytest

from codegem.train.stopping import stop_requests

# The main thread is inside one long call, as it is during a compilation: Python runs no handler there.
_BUSY = """
import hashlib, threading
from codegem.train.stopping import stop_requests
with stop_requests() as stop:
    threading.Thread(target=lambda: (stop.wait(), print("asked", flush=True)), daemon=True).start()
    print("ready", flush=True)
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_asks_and_the_handlers_come_back(number):
    before = signal.getsignal(number)
    with stop_requests() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.is_set()
    assert signal.getsignal(number) is before
    assert signal.set_wakeup_fd(-1) == -1
    assert not [thread for thread in threading.enumerate() if thread.name == "signals"]


def test_a_busy_main_thread_is_asked_at_once_and_ended_by_the_second_signal():
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _BUSY]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as child:
        assert child.stdout and child.stderr
        for word in ("ready\n", "asked\n"):
            assert child.stdout.readline() == word
            child.send_signal(signal.SIGTERM)
        assert child.wait() == 128 + signal.SIGTERM
        assert "goes on from its last checkpoint" in child.stderr.read()


def test_other_threads_take_no_signals():
    found = []

    def use() -> None:
        with stop_requests() as stop:
            found.append((stop.is_set(), signal.getsignal(signal.SIGTERM)))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert found == [(False, before)]
