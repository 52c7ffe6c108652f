import gzip
import hashlib
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from codegem.errors import UsageError, UserError
from codegem.evaluation import benchmarks
from codegem.evaluation.sources import FILES, PublicFile, cached, converted_files, files_of, find

CONTENT = b'{"task_id": "A/0"}\n' * 50


@pytest.fixture
def server() -> Iterator[str]:
    """The address of a server that has `/good`, and breaks off in `/short`; it counts what it is asked in `asked`."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path == "/absent":
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str(len(CONTENT)))
            self.end_headers()
            self.wfile.write(CONTENT[:100] if self.path == "/short" else CONTENT)

        def log_message(self, *arguments: object) -> None:
            pass

    asked: list[str] = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.asked = asked  # type: ignore[attr-defined]
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()
        thread.join()


def public(url: str, content: bytes = CONTENT) -> PublicFile:
    return PublicFile("a.jsonl", url, hashlib.sha256(content).hexdigest(), len(content))


def test_a_file_is_fetched_once_and_checked(server: str, tmp_path: Path) -> None:
    cache = tmp_path / "new" / "benchmarks"
    assert cached(public(f"{server}/good"), cache).read_bytes() == CONTENT
    assert cached(public("http://127.0.0.1:1/good"), cache) == cache / "a.jsonl", "nothing is asked for again"
    (cache / "a.jsonl").write_bytes(CONTENT[:-1])
    assert cached(public(f"{server}/good"), cache).read_bytes() == CONTENT, "a damaged copy is replaced"
    assert [path.name for path in cache.iterdir()] == ["a.jsonl"]


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/other", "its checksum is wrong"),
        ("/short", "its checksum is wrong|the connection broke"),
        ("/absent", r"/absent was answered with 404; give --data a copy of a\.jsonl"),
    ],
)
def test_what_is_not_the_file_is_not_kept(server: str, tmp_path: Path, path: str, sentence: str) -> None:
    content = CONTENT if path != "/other" else CONTENT[:-5]
    with pytest.raises(UserError, match=sentence):
        cached(public(server + path, content), tmp_path)
    assert not list(tmp_path.iterdir())


def test_without_a_network_there_is_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.jsonl could not be fetched: .* was not reached, .* give --data a copy"):
        cached(public("http://127.0.0.1:1/a.jsonl"), tmp_path)


def test_a_cache_that_can_not_be_made(server: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(UserError, match=r"can't be made .*XDG_CACHE_HOME"):
        cached(public(f"{server}/good"), tmp_path / "file" / "benchmarks")


def test_a_folder_is_looked_through(tmp_path: Path) -> None:
    wanted = PublicFile("a.jsonl.gz")
    assert find(wanted, tmp_path) is None
    deep = tmp_path / "x" / "y" / "a.jsonl"
    deep.parent.mkdir(parents=True)
    deep.write_text("", "utf-8")
    assert find(wanted, tmp_path) == deep, "unpacked, it is the same file"
    (tmp_path / "x" / "a.jsonl").write_text("", "utf-8")
    assert find(wanted, tmp_path) == tmp_path / "x" / "a.jsonl", "the one that lies highest"
    (tmp_path / "x" / "y" / "a.jsonl.gz").write_text("", "utf-8")
    assert find(wanted, tmp_path) == tmp_path / "x" / "y" / "a.jsonl.gz", "its own name comes first"


def test_one_file_is_enough_where_one_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "mine.jsonl"
    with pytest.raises(UserError, match=r"mine\.jsonl does not exist"):
        files_of("humaneval", file)
    file.write_text("", "utf-8")
    assert files_of("humaneval", file) == {"problems": file}
    assert files_of("infilling", file, ("multi-line",)) == {"multi-line": file}
    sentence = r"is one file, and human_eval_questions\.jsonl and dataset_fixes_human_eval\.jsonl are needed"
    with pytest.raises(UserError, match=sentence):
        files_of("bc-humaneval", file)
    with pytest.raises(UserError, match=r"holds no HumanEval\.jsonl\.gz; give --data its folder, or leave it out"):
        files_of("humaneval", tmp_path)


def test_what_babelcodes_programs_made_is_used_where_the_published_files_are_not(tmp_path: Path) -> None:
    assert converted_files("bc-mbpp", None) is None and converted_files("bc-mbpp", tmp_path) is None
    names = {"questions": "bc_mbpp_sanitized_questions.jsonl.gz", "prompts": "bc_mbpp_sanitized_prompts.jsonl.gz"}
    for name in names.values():
        assert converted_files("bc-mbpp", tmp_path) is None
        (tmp_path / name).write_text("", "utf-8")
    assert converted_files("bc-mbpp", tmp_path) == {role: tmp_path / name for role, name in names.items()}
    (tmp_path / "sanitized_mbpp_questions.jsonl").write_text("", "utf-8")
    assert converted_files("bc-mbpp", tmp_path) is None


def test_public_files_are_pinned() -> None:
    files = [file for group in FILES.values() for file in group.values() if file.url]
    assert len(files) == 9 and len({file.sha256 for file in files}) == 9
    for file in files:
        assert file.url.startswith("https://") and file.url.endswith(file.name.rpartition("_fixes_")[2])
        assert len(file.sha256) == 64 and any(len(part) == 40 for part in file.url.split("/")), "a commit, no branch"


def test_the_copies_at_hand_are_the_public_files(shared_data: Path) -> None:
    for group in FILES.values():
        for file in group.values():
            path = find(file, shared_data)
            assert path is not None
            data = path.read_bytes()
            if not file.name.endswith(".gz"):
                data = gzip.decompress(data)  # packed by whoever collected them
            assert (hashlib.sha256(data).hexdigest(), len(data)) == (file.sha256, file.size)


def test_benchmarks_by_name(shared_data: Path, tmp_path: Path) -> None:
    sizes = {"humaneval": 164, "mbpp": 500, "infilling": 8652}
    for name in benchmarks.NAMES:
        parts = benchmarks.parts(name)
        loaded = benchmarks.load(name, shared_data)
        assert loaded.name == name and tuple(dict.fromkeys(p.group for p in loaded.problems)) == (parts or ("",))
        assert len(loaded.problems) == sizes.get(name, len(parts) * (161 if name == "bc-humaneval" else 342))
        assert len({problem.task_id for problem in loaded.problems}) == len(loaded.problems)
    with pytest.raises(UsageError, match="There is no benchmark 'gsm8k'; the benchmarks are humaneval,"):
        benchmarks.load("gsm8k")
    with pytest.raises(UsageError, match=r"infilling has no 'single'; it has single-line,"):
        benchmarks.load("infilling", shared_data, ["single"])
    with pytest.raises(UsageError, match=r"mbpp has no 'python'; it has no parts\."):
        benchmarks.load("mbpp", shared_data, ["python"])
