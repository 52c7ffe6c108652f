"""Where the benchmarks' data is: in a place that the user names, in the user's cache, or at its public source.

What is fetched is fetched once, into `benchmarks/` of codegem's cache, and gets its name there only after its
checksum was right. Nothing of it is part of this project.
"""

import hashlib
import http.client
import urllib.error
import urllib.request
from dataclasses import dataclass, replace
from pathlib import Path

from codegem.compilation import cache_directory
from codegem.errors import UserError
from codegem.evaluation.json_lines import read_bytes
from codegem.evaluation.run_folder import replace_text

_SECONDS = 60.0


@dataclass(frozen=True)
class PublicFile:
    """A file of a benchmark.

    Attributes:
        name: that it has at its source; beside it, `.gz` more or less is the same file.
        url: "" of one that nobody publishes; then there is no `sha256`, in hexadecimal digits, and no `size` in bytes.
    """

    name: str
    url: str = ""
    sha256: str = ""
    size: int = 0


def _github(repository: str, commit: str, path: str, sha256: str, size: int) -> PublicFile:
    url = f"https://raw.githubusercontent.com/{repository}/{commit}/{path}"
    return PublicFile(path.rpartition("/")[2], url, sha256, size)


def _infilling(name: str, sha256: str, size: int) -> PublicFile:
    path, commit = f"data/HumanEval-{name}.jsonl.gz", "88062ff9859c875d04db115b698ed4b0f0395170"
    return _github("openai/human-eval-infilling", commit, path, sha256, size)


def _babelcode(path: str, sha256: str, size: int) -> PublicFile:
    return _github(
        "google-research/babelcode", "e8314f6f438193893b705e9fa8f8c8069af26dec", f"data/{path}", sha256, size
    )


# Of each benchmark: what its files are to it, and the files, at the commit of which the checksum was taken.
FILES: dict[str, dict[str, PublicFile]] = {
    "humaneval": {
        "problems": _github(
            "openai/human-eval",
            "6d43fb980f9fee3c892a914eda09951f772ad10d",
            "data/HumanEval.jsonl.gz",
            "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
            44_877,
        )
    },
    "infilling": {
        "single-line": _infilling(
            "SingleLineInfilling", "1277073e7ddce163ef68598c2bca777f688a53df99422f097e37362090f88e1f", 75_058
        ),
        "multi-line": _infilling(
            "MultiLineInfilling", "2f341612eee1d35da1357a4f365e0c0b3ba6e2b62eb491e88aaefa4855af0349", 170_082
        ),
        "random-span": _infilling(
            "RandomSpanInfilling", "b4f330d8a8ff97bf85d9def497dffcae4d741e506449386a877236e422e33e8d", 89_591
        ),
        "random-span-light": _infilling(
            "RandomSpanInfillingLight", "1432250ecac0cb56e6f97f8faf0970419ef892a98fda7e1f5aa4c4b87209b760", 45_730
        ),
    },
    "mbpp": {
        # The file of google-research/google-research, as another repository has it at one commit.
        "problems": _github(
            "deepseek-ai/DeepSeek-Coder",
            "2f9fd85927c669dae3c0fbb2d607274023af243e",
            "Evaluation/MBPP/data/mbpp.jsonl",
            "ccf64ceae9c5403bf50a044cb6d505bfd2a2963ee58338ba268fd65beab92a9f",
            563_743,
        )
    },
    "bc-humaneval": {
        "questions": _babelcode(
            "raw_datasets/human_eval_questions.jsonl",
            "96d0caad4ec57ee4d86787191b7fb3e27db699322ec4efecf5889f6ab4e6b90b",
            185_101,
        ),
        "corrections": replace(
            _babelcode(
                "dataset_fixes/human_eval.jsonl",
                "87b572ac2a09d0bc76fc708c745cb2935335027071da8de6014082fde0c82dcb",
                29_276,
            ),
            name="dataset_fixes_human_eval.jsonl",  # its own name says too little in a folder of others
        ),
    },
    "bc-mbpp": {
        "questions": _babelcode(
            "raw_datasets/sanitized_mbpp_questions.jsonl",
            "5d194f959a09af12c8aea84d7b0291520b73d13e7dd4facb2876047703477044",
            239_362,
        )
    },
}

# Of tasks in language and mathematics: copies of their files in public repositories, as one repository had them at one
# commit. `language.rows` reads them; MMLU and MATH are read from a folder of the user's.
LANGUAGE: dict[str, dict[str, PublicFile]] = {
    "boolq": {
        "rows": replace(
            _github(
                "mosaicml/llm-foundry",
                "8c8dd48f72168c5d51e2f7b151595892a8fba43d",
                "scripts/eval/local_data/reading_comprehension/boolq.jsonl",
                "454ff101e614370bb1807fe7ebbda6fdb57e794b9662cc1ccae211bf1ff626c8",
                2_210_395,
            ),
            name="boolq_validation_llmfoundry.jsonl",
        )
    },
    "piqa": {
        "rows": _github(
            "ybisk/ybisk.github.io",
            "21edab439af693b961be2f069e8690a88d3b4e37",
            "piqa/data/valid.jsonl",
            "93503cc97c679e459b065c3d13e848282e44b2a25213985bed3e5d458abef72d",
            495_929,
        ),
        "labels": _github(
            "ybisk/ybisk.github.io",
            "21edab439af693b961be2f069e8690a88d3b4e37",
            "piqa/data/valid-labels.lst",
            "b4192dc3a2a0363d9d60ccf79800cbbe2f32ebb17726efdde6970e0b8131bceb",
            3_676,
        ),
    },
    "arc-challenge": {
        "rows": replace(
            _github(
                "zhouqb/order_dependency_problem",
                "c78952c019f7b3fe3c2c14a1dfc7eaeed2efee48",
                "data/arc/ARC-Challenge-Test.jsonl",
                "edfac2380c22134a5f0cf78c61459ba76aa3299d7be0df0420cb1a340d3c2096",
                484_168,
            ),
            name="ARC-Challenge-Test_4choice1150.jsonl",
        ),
        "rest": replace(
            _github(
                "mosaicml/llm-foundry",
                "8c8dd48f72168c5d51e2f7b151595892a8fba43d",
                "scripts/eval/local_data/world_knowledge/arc_challenge.jsonl",
                "1ae3aeedf1951d881cbd5c2e3a31e78a1993d251479afbe4cb413b6707244636",
                365_606,
            ),
            name="arc_challenge_test_llmfoundry.jsonl",
        ),
        "examples": replace(
            _github(
                "AGI-Edgerunners/LLM-Adapters",
                "816657208af4db747803f87ba40a4c71383fed7a",
                "dataset/ARC-Challenge/train.json",
                "a9debff28aafed86a08211dc3584a3b6cb38edca8c56bb34cd5002ed54aeebfb",
                585_556,
            ),
            name="ARC-Challenge-train_llmadapters.json",
        ),
    },
    "hellaswag": {
        "rows": _github(
            "klosax/hellaswag_text_data",
            "1105d370f8340eac3c63a91fd1fa58e8999f9505",
            "hellaswag_val_full.txt.bz2",
            "50b637899e4263c2bc456c2dc726c95d2c8cd8e2a552ea5bd7719ce3cb03fe5b",
            1_964_544,
        )
    },
    "winogrande": {
        "rows": replace(
            _github(
                "AGI-Edgerunners/LLM-Adapters",
                "816657208af4db747803f87ba40a4c71383fed7a",
                "dataset/winogrande/test.json",
                "6946f5209e7114c65c6d04f8f644c5a061af20d730b1cfe158fff3dc44076fb9",
                497_409,
            ),
            name="winogrande_dev_llmadapters.json",
        )
    },
    "triviaqa": {
        "rows": replace(
            _github(
                "GaurisankarJ/reason_over_search",
                "45495b576c768f0d5996789e2db29eaa285a3c54",
                "data_subsample/triviaqa/test.jsonl",
                "4a46971e676400b102885b4690f26014cbfed71d6d9785f134b22182170e58e3",
                397_059,
            ),
            name="triviaqa_sub1000_flashrag.jsonl",
        ),
        "examples": replace(
            _github(
                "mosaicml/llm-foundry",
                "8c8dd48f72168c5d51e2f7b151595892a8fba43d",
                "scripts/eval/local_data/world_knowledge/triviaqa_sm_sub.jsonl",
                "e3e8222e94cae291d7ab132e59f09c4f51580ed3e23639cf29c2926b4c8284e9",
                1_263_021,
            ),
            name="triviaqa_sub3000_llmfoundry.jsonl",
        ),
    },
    "gsm8k": {
        "rows": replace(
            _github(
                "openai/grade-school-math",
                "3101c7d5072418e28b9008a6636bde82a006892c",
                "grade_school_math/data/test.jsonl",
                "3730d312f6e3440559ace48831e51066acaca737f6eabec99bccb9e4b3c39d14",
                749_738,
            ),
            name="gsm8k/test.jsonl",
        )
    },
}

# What BabelCode's own programs make of these; nobody publishes it, and who has it may use it.
CONVERTED: dict[str, dict[str, PublicFile]] = {
    name: {role: PublicFile(f"{stem}_{role}.jsonl") for role in ("questions", "prompts")}
    for name, stem in (("bc-humaneval", "bc_humaneval"), ("bc-mbpp", "bc_mbpp_sanitized"))
}


def files_of(benchmark: str, data: Path | None = None, roles: tuple[str, ...] = ()) -> dict[str, Path]:
    """The files of a benchmark by what they are to it, fetched where they are not at hand.

    Args:
        benchmark: a key of `FILES`.
        data: a file, or a folder that holds the files at any depth; by default the cache and the public source.
        roles: those of which; all by default.

    Raises:
        UserError: a file is not there, or can't be fetched.
    """
    wanted = {role: file for role, file in FILES[benchmark].items() if not roles or role in roles}
    if data is None:
        return {role: cached(file, cache_directory() / "benchmarks") for role, file in wanted.items()}
    if data.is_dir():
        return {role: _found(file, data) for role, file in wanted.items()}
    if not data.exists():
        raise UserError(f"{data} does not exist; give --data a file or folder of the benchmark's data.")
    if len(wanted) > 1:
        names = " and ".join(file.name for file in wanted.values())
        raise UserError(f"{data} is one file, and {names} are needed; give --data their folder.")
    return dict.fromkeys(wanted, data)


def converted_files(benchmark: str, data: Path | None) -> dict[str, Path] | None:
    """The files of `CONVERTED`, where a folder has these and lacks the published ones."""
    if data is None or all(find(file, data) for file in FILES[benchmark].values()):
        return None
    found = {role: find(file, data) for role, file in CONVERTED[benchmark].items()}
    return {role: path for role, path in found.items() if path} if all(found.values()) else None


def find(file: PublicFile, data: Path) -> Path | None:
    """A file in a folder, at any depth, packed or not; the one that lies highest where there are several."""
    for name in dict.fromkeys([file.name, file.name.removesuffix(".gz"), f"{file.name}.gz"]):
        if found := sorted(data.rglob(name), key=lambda path: (len(path.parts), path)):
            return found[0]
    return None


def _found(file: PublicFile, data: Path) -> Path:
    found = find(file, data)
    if found is None:
        raise UserError(f"{data} holds no {file.name}; give --data its folder, or leave it out to have it fetched.")
    return found


def cached(file: PublicFile, cache: Path) -> Path:
    """A file in the cache, fetched where it is not there.

    Raises:
        UserError: its source was not reached, or it is not what it was.
    """
    place = cache / file.name
    if place.exists() and _sha256(read_bytes(place)) == file.sha256:
        return place
    content = _fetched(file)
    if _sha256(content) != file.sha256:
        raise UserError(
            f"{file.url} gave another file than was published (its checksum is wrong); try again, or give --data."
        )
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{cache} can't be made ({error.strerror}); let XDG_CACHE_HOME name another place.") from None
    replace_text(place, content)
    return place


def _fetched(file: PublicFile) -> bytes:
    request = urllib.request.Request(file.url, headers={"User-Agent": "codegem"})
    try:
        with urllib.request.urlopen(request, timeout=_SECONDS) as answer:
            return answer.read(file.size + 1)  # one byte more shows that it is another file
    except urllib.error.HTTPError as error:
        raise UserError(f"{file.url} was answered with {error.code}; give --data a copy of {file.name}.") from None
    except (OSError, http.client.HTTPException):
        raise UserError(
            f"{file.name} could not be fetched: {file.url} was not reached, or the connection broke; try again, or "
            "give --data a copy of it."
        ) from None


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
