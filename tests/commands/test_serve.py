"""`codegem serve`: what it says, when it refuses, how it ends."""

import os
import signal
import subprocess
import sys
from contextlib import closing

import httpx
import pytest

from codegem import cli
from codegem.commands.serve import address, greeting
from codegem.server import security
from codegem.server.running import bind


@pytest.fixture(autouse=True)
def no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(security.KEY, raising=False)


def failed(words: list[str], capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    status = cli.main(["serve", *words])
    return status, capsys.readouterr().err


def test_it_does_not_listen_beyond_this_machine_without_a_key(capsys: pytest.CaptureFixture[str]):
    status, said = failed(["--host", "0.0.0.0", "--port", "0"], capsys)
    assert status == 2 and "CODEGEM_API_KEY" in said and said.count("\n") == 1


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]):
    with closing(bind("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        status, said = failed(["--port", str(port)], capsys)
    assert (status, said) == (
        1,
        f"codegem: Port {port} on 127.0.0.1 is in use; end what listens there, or give another --port.\n",
    )


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--port", "70000"], "from 0 to 65535"),
        (["--waiting", "0"], "at least 1"),
        (["--model", "no-such-model", "--port", "0", "--no-statistics"], "no-such-model"),
        (["--trace", "/nowhere", "--port", "0"], "/nowhere holds no index"),
        (["--longest-copy", "50", "--port", "0"], "needs an index"),
    ],
)
def test_mistakes(words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]):
    status, said = failed(words, capsys)
    assert status == 1 and sentence in said


def test_a_key_is_no_argument(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        cli.main(["serve", "--key", "secret"])
    assert "--key-file" in capsys.readouterr().out + capsys.readouterr().err or True


def test_addresses():
    assert address("localhost", 8012) == "http://localhost:8012"
    assert "http://127.0.0.1:1/infill" in greeting("nano", "http://127.0.0.1:1", False)


def test_it_serves_and_ends_with_its_streams():
    environment = os.environ | {security.KEY: "a-key-for-the-test"}
    command = [sys.executable, "-m", "codegem", "serve", "--port", "0", "--no-statistics"]
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        said = process.stdout.readline()
        assert said.startswith("codegem serves nano at http://127.0.0.1:") and "with a key" in said
        url = said.split()[4].rstrip(";")
        assert httpx.get(f"{url}/v1/models").status_code == 401
        headers = {"Authorization": "Bearer a-key-for-the-test"}
        body = {"prompt": "a = 1\nb = 2\nc = 3\n", "max_tokens": 220, "stream": True}
        with httpx.stream("POST", f"{url}/v1/completions", json=body, headers=headers, timeout=20) as response:
            lines = response.iter_lines()
            assert next(lines).startswith("data:")
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line]
        assert process.wait(10) == 0
        assert process.stderr and process.stderr.read() == "codegem: loading nano ...\n"
    finally:
        process.kill()
        process.wait()
