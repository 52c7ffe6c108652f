"""Models of the hub, fetched from one that runs in the test."""

import errno
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from codegem.checkpoints import hub, huggingface
from codegem.checkpoints.huggingface_weights import INDEX
from codegem.errors import UserError
from codegem.model.config import ModelConfig
from codegem.model.transformer import Transformer
from codegem.text.tokenizer import ByteTokenizer

from .fake_hub import COMMIT, FakeHub, serving

constants = pytest.importorskip("huggingface_hub").constants
TINY = ModelConfig(266, 2, 64, 4, 2, 8, 128, context_length=128)
WEIGHTS = "model.safetensors"


@pytest.fixture(scope="module")
def written(random_model: Callable[..., Transformer], tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The files of a model, and two that nobody needs."""
    directory = tmp_path_factory.mktemp("model")
    huggingface.save(directory, random_model(TINY), ByteTokenizer())
    (directory / "model-f16.gguf").write_bytes(b"GGUF")
    (directory / "README.md").write_text("A card.")
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.fixture
def served(written: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """The hub with that model; the client looks at it, and has an empty cache and no token."""
    with serving(FakeHub(dict(written))) as known:
        monkeypatch.setattr(constants, "ENDPOINT", known.endpoint)
        template = known.endpoint + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "token"))
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 10_000)  # what is lost of a cut is one chunk
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        monkeypatch.delenv("HF_TOKEN", raising=False)
        yield known


def refusal(hub_id: str = "owner/model") -> str:
    with pytest.raises(UserError) as refused:
        hub.fetch(hub_id)
    message = str(refused.value)
    assert "\n" not in message and message.endswith((".", "?")) and len(message) < 500
    return message


def test_a_model_is_fetched_whole_and_nothing_else(served: FakeHub, written: dict[str, bytes], tmp_path: Path):
    directory = hub.fetch("owner/model")
    assert directory == tmp_path / "hub" / "models--owner--model" / "snapshots" / COMMIT
    wanted = {*hub.NEEDED, *hub.OPTIONAL, WEIGHTS}
    assert {path.name: path.read_bytes() for path in directory.iterdir()} == {
        name: written[name] for name in wanted if name in written
    }
    assert huggingface.load(directory)[0].config == TINY


def test_what_is_cached_needs_no_network(served: FakeHub):
    first = hub.fetch("owner/model")
    served.asked.clear()
    assert hub.fetch("owner/model") == first and not served.asked


def test_the_client_itself_finds_the_files(served: FakeHub):
    """It is one cache: what another program fetched is used, and the other way round."""
    from huggingface_hub import snapshot_download

    directory = hub.fetch("owner/model")
    assert Path(snapshot_download("owner/model", local_files_only=True)) == directory


def test_shards(served: FakeHub, random_model: Callable[..., Transformer], tmp_path: Path):
    huggingface.save(tmp_path / "sharded", random_model(TINY), ByteTokenizer(), shard_bytes=20_000)
    served.files = {path.name: path.read_bytes() for path in (tmp_path / "sharded").iterdir()}
    served.large = frozenset(name for name in served.files if name.endswith(".safetensors"))
    assert len(served.large) > 2
    directory = hub.fetch("owner/model")
    assert served.large < {path.name for path in directory.iterdir()}
    next(path for path in directory.iterdir() if path.name in served.large).unlink()
    assert len(hub.missing_files(directory)) == 1
    hub.fetch("owner/model")
    assert not hub.missing_files(directory)


class TestResuming:
    def test_a_cut_connection_is_taken_up(self, served: FakeHub, written: dict[str, bytes]):
        """At once by newer clients, by the next call where an older one gives up."""
        served.cuts = [50_000, 10_000]
        for _ in range(2):
            with suppress(UserError):
                hub.fetch("owner/model")
        directory = hub.fetch("owner/model")
        assert (directory / WEIGHTS).read_bytes() == written[WEIGHTS]
        ranges = [part for path, part in served.downloads() if path == f"/lfs/{WEIGHTS}"]
        assert ranges == [None, "bytes=50000-", "bytes=60000-"]

    def test_the_next_call_goes_on_where_one_was_stopped(self, served: FakeHub, written: dict[str, bytes]):
        served.cuts = [70_000] + [0] * 20
        assert "goes on from where it stopped" in refusal()
        served.cuts.clear()
        served.asked.clear()
        directory = hub.fetch("owner/model")
        assert (directory / WEIGHTS).read_bytes() == written[WEIGHTS]
        assert served.downloads() == [(f"/lfs/{WEIGHTS}", "bytes=70000-")]

    def test_a_stop_by_the_user(self, served: FakeHub, written: dict[str, bytes], monkeypatch: pytest.MonkeyPatch):
        def stop(url: str, file: object, **others: object) -> None:
            file.write(written[WEIGHTS][:1234])  # type: ignore[attr-defined]
            raise KeyboardInterrupt

        real = hub.http_get
        monkeypatch.setattr(
            hub, "http_get", lambda url, file, **rest: (stop if "lfs" in url else real)(url, file, **rest)
        )
        with pytest.raises(KeyboardInterrupt):
            hub.fetch("owner/model")
        monkeypatch.setattr(hub, "http_get", real)
        served.asked.clear()
        hub.fetch("owner/model")
        assert served.downloads() == [(f"/lfs/{WEIGHTS}", "bytes=1234-")]

    def test_what_arrives_damaged_is_thrown_away(self, served: FakeHub):
        served.damage = True
        assert "model.safetensors of owner/model arrived damaged" in refusal()
        served.damage = False
        assert not hub.missing_files(hub.fetch("owner/model"))


class TestRefusals:
    def test_a_licence_and_no_token(self, served: FakeHub):
        served.token = "hf_right"
        message = refusal()
        assert "owner/model wants its licence accepted" in message
        assert f"{served.endpoint}/owner/model" in message and "/settings/tokens, and set HF_TOKEN" in message

    def test_a_licence_that_the_tokens_owner_has_not_accepted(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        served.answer = (403, "GatedRepo")
        monkeypatch.setenv("HF_TOKEN", "hf_other")
        assert "logged in as the owner of the token in HF_TOKEN" in refusal()

    def test_the_token_is_sent_to_the_hub_alone(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        served.token = "hf_right"
        monkeypatch.setenv("HF_TOKEN", "hf_right")
        assert not hub.missing_files(hub.fetch("owner/model"))

    def test_a_wrong_token(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HF_TOKEN", "hf_wrong")
        served.answer = (401, "InvalidToken")
        assert "does not know the token in HF_TOKEN" in refusal()

    def test_a_token_without_the_right(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HF_TOKEN", "hf_fine_grained")
        served.answer = (403, "")
        assert "refuses owner/model to this token" in refusal()

    @pytest.mark.parametrize("hub_id", ["google/codegema-2b", "nobody/nothing"])
    def test_an_unknown_id(self, served: FakeHub, hub_id: str):
        message = refusal(hub_id)
        assert f"The hub has no model {hub_id}" in message
        assert ("Did you mean google/codegemma-2b?" in message) == hub_id.startswith("google")

    @pytest.mark.parametrize("absent", ["config.json", "tokenizer.json", WEIGHTS])
    def test_a_repository_of_something_else(self, served: FakeHub, absent: str):
        del served.files[absent]
        message = refusal()
        assert "no model in Hugging Face's layout" in message
        assert (INDEX if absent == WEIGHTS else absent) in message

    @pytest.mark.parametrize(("status", "words"), [(500, "The hub answered 500"), (429, "no more requests")])
    def test_a_hub_in_trouble(self, served: FakeHub, status: int, words: str):
        served.answer = (status, "")
        assert words in refusal()

    def test_no_network(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        template = "http://127.0.0.1:9/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        assert "http://127.0.0.1:9 was not reached" in refusal()

    def test_an_index_that_names_files_elsewhere(self, served: FakeHub):
        del served.files[WEIGHTS]
        served.files[INDEX] = json.dumps({"weight_map": {"a": "../../secret.safetensors"}}).encode()
        assert "which is not a file beside it" in refusal()


class TestDisk:
    def test_too_little_room_is_told_before_the_download(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        usage = namedtuple("usage", "total used free")
        monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**6, 10**6, 10))
        assert "needs 0.0 GB" in refusal()
        assert not [path for path, _ in served.downloads() if path.startswith("/lfs")]

    def test_a_disk_that_fills_up(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch):
        def full(*arguments: object, **others: object) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(hub, "http_get", full)
        assert "The disk is full: owner/model does not fit" in refusal()

    def test_a_cache_that_cannot_be_written(self, served: FakeHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
        (tmp_path / "file").write_text("")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "file"))
        assert "could not be fetched to" in refusal()


def test_offline(served: FakeHub, monkeypatch: pytest.MonkeyPatch):
    """HF_HUB_OFFLINE is respected, what is whole is used, and the rest is one sentence."""
    directory = hub.fetch("owner/model")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert hub.fetch("owner/model") == directory
    (directory / WEIGHTS).unlink()
    served.asked.clear()
    assert "HF_HUB_OFFLINE forbids to fetch it" in refusal()
    assert not served.asked


def test_the_command_line_fetches_and_completes(served: FakeHub, tmp_path: Path):
    """As a user has it: HF_ENDPOINT and HF_HOME in the environment, an id for the model."""
    (tmp_path / "a.py").write_text("x = 1\n")
    environment = os.environ | {"HF_ENDPOINT": served.endpoint, "HF_HOME": str(tmp_path / "home")}
    environment["TQDM_POSITION"] = "-1"  # progress bars that no terminal sees
    environment["PYTHONPATH"] = os.pathsep.join(sys.path)
    place = f"{tmp_path / 'a.py'}:1"
    command = [sys.executable, "-m", "codegem", "complete", place, "--model", "owner/model", "--max-tokens", "2"]
    done = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["model"] == "owner/model"
    assert "model.safetensors" in done.stderr  # the progress bar
