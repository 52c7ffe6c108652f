"""Models of the Hugging Face hub, in the cache that `huggingface_hub` and every program built on it share.

A model that lies there whole is used as it is, without asking the network. Otherwise its missing files are
fetched: weights as safetensors, config.json and the tokenizer, and nothing else of the repository. The client
throws away what it had of a file when it is stopped, and 5 GB begin again; here the beginning stays beside the
finished files (`blobs/<checksum>.part`), and the next call goes on behind it. A file gets its place in the cache
only after its checksum was right: SHA-256 for large files, Git's SHA-1 for small ones.
"""

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import constants, get_token, hf_hub_download, hf_hub_url
from huggingface_hub.errors import (
    EntryNotFoundError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.file_download import HfFileMetadata, get_hf_file_metadata, http_get, repo_folder_name
from huggingface_hub.utils import WeakFileLock, build_hf_headers

from codegem.checkpoints.huggingface_config import CONFIG
from codegem.checkpoints.huggingface_weights import INDEX, WEIGHTS, shard_files
from codegem.checkpoints.locate import suggestion
from codegem.errors import UserError

NEEDED = (CONFIG, "tokenizer.json")
OPTIONAL = ("tokenizer_config.json", "generation_config.json", "chat_template.jinja")
# What every network error of the client is; it is httpx's or httpx2's, as the client's version wants.
_NETWORK_ERROR: type[Exception] = HfHubHTTPError.__mro__[1]  # type: ignore[assignment]


def fetch(hub_id: str) -> Path:
    """The directory of a model of the hub, complete.

    Args:
        hub_id: such as google/codegemma-2b; its `main` branch.

    Raises:
        UserError: it does not exist, needs a licence or a token, or can't be reached; or the disk is full.
    """
    cached = cached_snapshot(hub_id)
    if cached is not None and not missing_files(cached):
        return cached
    with _sentences(hub_id):
        return _download(hub_id)


def cached_snapshot(hub_id: str) -> Path | None:
    """Where the cache has a model's `main` branch, whole or not."""
    folder = Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=hub_id, repo_type="model"))
    try:
        commit = (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return None
    directory = folder / "snapshots" / commit
    return directory if commit and directory.is_dir() else None


def cached_ids() -> list[str]:
    """The ids of all models of which the cache has something."""
    folders = sorted(Path(constants.HF_HUB_CACHE).glob("models--*--*"))
    return [folder.name.removeprefix("models--").replace("--", "/", 1) for folder in folders]


def missing_files(directory: Path) -> list[str]:
    """What a model directory lacks to be loaded."""
    missing = [name for name in NEEDED if not (directory / name).exists()]
    if (directory / WEIGHTS).exists():
        return missing
    if not (directory / INDEX).exists():
        return [*missing, WEIGHTS]
    return [*missing, *(path.name for path in shard_files(directory / INDEX) if not path.exists())]


def _download(hub_id: str) -> Path:
    repository = _Repository(hub_id)
    first = repository.get(CONFIG)
    for name in NEEDED[1:]:
        repository.get(name)
    for name in OPTIONAL:
        repository.get_if_there(name)
    whole = repository.has(WEIGHTS)
    weights = [WEIGHTS] if whole else [path.name for path in shard_files(repository.get(INDEX))]
    repository.require_room(weights)
    for name in weights:
        repository.get(name)
    return first.parent


class _Repository:
    """One commit of a repository: that which `main` meant at the first file."""

    def __init__(self, hub_id: str):
        self._id = hub_id
        self._revision = "main"
        self._known: dict[str, HfFileMetadata] = {}
        folder = repo_folder_name(repo_id=hub_id, repo_type="model")
        self._blobs = Path(constants.HF_HUB_CACHE, folder, "blobs")
        self._locks = Path(constants.HF_HUB_CACHE, ".locks", folder)

    def get(self, name: str) -> Path:
        """A file in the cache, fetched where it is not there."""
        found = self._metadata(name)
        blob = self._blobs / _checksum(found)
        if not blob.exists():
            self._blobs.mkdir(parents=True, exist_ok=True)
            self._locks.mkdir(parents=True, exist_ok=True)
            with WeakFileLock(self._locks / f"{blob.name}.part.lock"):
                if not blob.exists():
                    self._fetch_blob(name, found, blob)
        # The client finds the blob and adds what else its cache keeps: the snapshot's link, and the branch.
        linked = Path(hf_hub_download(self._id, name, revision=self._revision))
        self._revision = found.commit_hash or self._revision
        return linked

    def get_if_there(self, name: str) -> None:
        """A file that a repository may lack."""
        if self.has(name):
            self.get(name)

    def has(self, name: str) -> bool:
        """Whether the repository has a file."""
        try:
            self._metadata(name)
        except EntryNotFoundError:
            return False
        return True

    def require_room(self, names: list[str]) -> None:
        """Raise where the disk can't take what is still to come of some files."""
        needed = 0
        for name in names:
            found = self._metadata(name)
            blob = self._blobs / _checksum(found)
            if not blob.exists():
                needed += max(0, (found.size or 0) - _size(_part(blob)))
        free = shutil.disk_usage(self._blobs).free
        if needed > free:
            raise UserError(
                f"{self._id} needs {needed / 1e9:.1f} GB in {constants.HF_HUB_CACHE} and {free / 1e9:.1f} GB are "
                "free; make room, or let HF_HOME name a directory on another disk."
            )

    def _metadata(self, name: str) -> HfFileMetadata:
        if name not in self._known:
            url = hf_hub_url(self._id, name, revision=self._revision)
            self._known[name] = get_hf_file_metadata(url, headers=build_hf_headers(library_name="codegem"))
        return self._known[name]

    def _fetch_blob(self, name: str, found: HfFileMetadata, blob: Path) -> None:
        part = _part(blob)
        if found.size is not None and _size(part) > found.size:
            part.unlink()
        headers = build_hf_headers(library_name="codegem")
        if urlsplit(found.location).netloc != urlsplit(constants.ENDPOINT).netloc:
            headers.pop("authorization", None)  # the token is for the hub alone
        with open(part, "ab") as file:
            have = file.tell()
            http_get(
                found.location,
                file,
                resume_size=have,
                headers=headers,
                expected_size=found.size,
                displayed_filename=name,
            )
        if _hash(part, blob.name) != blob.name:
            part.unlink()
            raise UserError(f"{name} of {self._id} arrived damaged (its checksum is wrong); try again.")
        part.rename(blob)


def _checksum(found: HfFileMetadata) -> str:
    """The checksum that names a file in the cache."""
    etag = found.etag or ""
    if len(etag) not in (40, 64) or set(etag) - set("0123456789abcdef"):
        raise UserError(f"The hub gives no checksum for {found.location:.200}; is {constants.ENDPOINT} a hub?")
    return etag


def _hash(path: Path, expected: str) -> str:
    """SHA-256, or Git's SHA-1 where the expected one is that long."""
    digest = hashlib.sha256() if len(expected) == 64 else hashlib.sha1(usedforsecurity=False)
    if len(expected) == 40:
        digest.update(f"blob {path.stat().st_size}\0".encode())
    with open(path, "rb") as file:
        while piece := file.read(1 << 22):
            digest.update(piece)
    return digest.hexdigest()


def _part(blob: Path) -> Path:
    return blob.with_name(f"{blob.name}.part")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _sentences(hub_id: str) -> Iterator[None]:
    """The client's errors as one sentence that says what to do."""
    page = f"{constants.ENDPOINT}/{hub_id}"
    try:
        yield
    except GatedRepoError:
        raise UserError(f"{hub_id} wants its licence accepted: {_licence(page)}") from None
    except RepositoryNotFoundError:
        token = "" if get_token() else ", and set HF_TOKEN if it is private"
        raise UserError(
            f"The hub has no model {hub_id}; check its name at {page}{token}.{suggestion(hub_id)}"
        ) from None
    except LocalEntryNotFoundError:
        raise _unreachable(hub_id) from None
    except EntryNotFoundError as error:
        raise UserError(
            f"{hub_id} is no model in Hugging Face's layout with safetensors ({_file_of(error)} is absent); "
            "a .gguf file of it can be downloaded and given by its path."
        ) from None
    except (HFValidationError, OfflineModeIsEnabled):
        raise _unreachable(hub_id) from None
    except HfHubHTTPError as error:
        raise UserError(_refusal(hub_id, page, error)) from None
    except _NETWORK_ERROR:
        raise _unreachable(hub_id) from None
    except OSError as error:
        raise UserError(_disk(hub_id, error)) from None


def _licence(page: str) -> str:
    if get_token():
        return f"do so at {page}, logged in as the owner of the token in HF_TOKEN, and try again."
    return (
        f"do so at {page}, make a token that may read at {constants.ENDPOINT}/settings/tokens, and set HF_TOKEN to it."
    )


def _unreachable(hub_id: str) -> UserError:
    if constants.HF_HUB_OFFLINE:
        return UserError(f"{hub_id} is not whole in {constants.HF_HUB_CACHE}, and HF_HUB_OFFLINE forbids to fetch it.")
    return UserError(
        f"{hub_id} could not be fetched: {constants.ENDPOINT} was not reached, or the connection broke; the same "
        "command goes on from where it stopped, or give the directory of a model that is on this machine."
        + suggestion(hub_id)
    )


def _refusal(hub_id: str, page: str, error: HfHubHTTPError) -> str:
    status = error.response.status_code
    if status == 401:
        return f"The hub does not know the token in HF_TOKEN; make one at {constants.ENDPOINT}/settings/tokens."
    if status == 403:
        return f"The hub refuses {hub_id} to this token; give the token the right to read it, or see {page}."
    if status == 429:
        return "The hub takes no more requests for now; wait some minutes and try again."
    return f"The hub answered {status} for {hub_id}; try again later, the same command goes on from where it stopped."


def _disk(hub_id: str, error: OSError) -> str:
    where = constants.HF_HUB_CACHE
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"The disk is full: {hub_id} does not fit in {where}; make room, and the same command goes on."
    if error.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return f"{where} can't be written ({os.strerror(error.errno)}); let HF_HOME name another directory."
    return f"{hub_id} could not be fetched to {where} ({' '.join(str(error).split()):.200}); try again."


def _file_of(error: EntryNotFoundError) -> str:
    response = getattr(error, "response", None)
    return str(response.url).rpartition("/")[2][:80] if response is not None else "a file"
