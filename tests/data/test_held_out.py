"""What is held out is learned nowhere, under no name and in no disguise."""

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from codegem.data.held_out import HeldOut, is_held_out, read_held_out
from codegem.data.recipe import DataRecipe
from codegem.errors import UserError
from codegem.evaluation.repository.benchmark import RepositoryBenchmark
from codegem.evaluation.repository.files import Files

pq = pytest.importorskip("pyarrow.parquet")
pytest.importorskip("daft")

from codegem.data.pipeline import build  # noqa: E402
from codegem.data.shards import ExampleSource  # noqa: E402
from codegem.text.tokenizer import load_tokenizer  # noqa: E402

RECIPE = DataRecipe(context_length=256, vocab_size=600, shard_tokens=4096, held_out_share=0.2)
NOTICE = (
    "# Licensed under the MIT licence: use, copy, change and sell what is here, as long as this notice stays there.\n"
)
SECRET = '''\
def settle(account, invoices, rate):
    """Pay what is open, the oldest first."""
    open_sum = 0
    for invoice in sorted(invoices, key=lambda invoice: invoice.date):
        if invoice.paid:
            continue
        amount = round(invoice.amount * rate, 2)
        if amount > account.balance:
            account.remember(invoice, amount - account.balance)
            break
        account.balance -= amount
        invoice.paid = True
        open_sum += amount
    return account, open_sum


def remind(account, today):
    late = [invoice for invoice in account.invoices if not invoice.paid and invoice.date < today]
    for number, invoice in enumerate(late, start=1):
        account.write(f"reminder {number} of {len(late)}", invoice)
    return len(late)
'''


STATEMENTS = (
    "value = value {op} limit",
    "if value {op} 3 > limit:\n        return [value]",
    "for part in range(value {op} 2):\n        limit.append(part)",
    "while value:\n        value = value {op} 1",
    "assert isinstance(value, (int, float)), limit",
    "limit[value {op} 1] = dict(value=limit)",
    "total = sum(part {op} value for part in limit if part)",
    "value, limit = limit, value",
    "print('it is', value, end='')",
    "try:\n        value = limit[value {op} 4]\n    except KeyError:\n        pass",
)


def module(number: int) -> str:
    """A file like no other, in its names and in its shape."""
    draw = random.Random(number)
    lines = [f"    {draw.choice(STATEMENTS).format(op=draw.choice('+-*/%'))}  # {number}" for _ in range(12)]
    return NOTICE + f"def module_{number}(value, limit):\n" + "\n".join(lines) + f"\n    return {number}\n"


def held_out_name() -> str:
    """A name that the hash holds out."""
    return next(name for name in (f"billing_{n}.py" for n in range(100)) if is_held_out(RECIPE, "shop", name))


def kept_names(count: int, repository: str) -> list[str]:
    """Names that it does not."""
    names = (f"copy_{n}.py" for n in range(100))
    return [name for name in names if not is_held_out(RECIPE, repository, name)][:count]


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two repositories; the second holds a held-out file of the first three times, each time disguised further."""
    root = tmp_path_factory.mktemp("team")
    for repository in ("shop", "tools"):
        (root / repository).mkdir()
        (root / repository / "pyproject.toml").write_text('[project]\nname = "x"\nlicense = "MIT"\n', "utf-8")
        for number in range(30):
            text = module(number if repository == "shop" else number + 100)
            (root / repository / f"module_{number}.py").write_text(text, "utf-8")
    (root / "shop" / held_out_name()).write_text(NOTICE + SECRET, "utf-8")
    renamed = SECRET
    for old, new in {"account": "customer", "invoice": "bill", "amount": "due", "late": "open", "rate": "tax"}.items():
        renamed = renamed.replace(old, new)
    indented = SECRET.replace("    ", "\t")
    copies = (indented, indented + "\n\nLIMIT = 3\n", renamed.replace("    ", "  "))
    for name, text in zip(kept_names(3, "tools"), copies, strict=True):
        (root / "tools" / name).write_text(text, "utf-8")
    return root


@pytest.fixture(scope="module")
def built(team: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built") / "data"
    build([team / "shop", team / "tools"], out, RECIPE, workers=1)
    return out


def rejected(out: Path) -> dict[tuple[str, str], tuple[str, str, str]]:
    rows = pq.read_table(out / "rejected.parquet").to_pylist()
    return {
        (row["repository"], row["path"]): (row["reason"], row["rule"], row["detail"])
        for row in rows
        if row["stage"] == "held-out"
    }


def test_a_held_out_file_and_its_copies_are_rejected_with_their_reason(built: Path) -> None:
    found, secret = rejected(built), held_out_name()
    assert found["shop", secret] == ("held out", "held_out_share", "")
    exact, near, disguised = (found["tools", name] for name in kept_names(3, "tools"))
    assert exact[0] == near[0] == "repeats a held-out file"
    assert near[1] == "dedup.threshold" and near[2].endswith(f"like shop:{secret}")
    assert disguised == ("quotes a held-out file", "contamination.shape", f"shop:{secret}")
    # A notice that is common to all files is no leak.
    assert sum(reason != "held out" for reason, _, _ in found.values()) == 3


def test_no_example_holds_what_is_held_out(built: Path, team: Path) -> None:
    tokenizer = load_tokenizer(built)
    learned = "".join(
        tokenizer.decode(example.tokens.tolist())
        for split in ("train", "validation")
        for example in ExampleSource(built, split)
    )
    held, _ = read_held_out(built)
    assert len(held) > 5
    for file in held:
        lines = (team / file.repository / file.path).read_text("utf-8").splitlines()
        telling = next(line for line in lines if line.startswith("def "))
        assert telling not in learned, file
    kept = [number for number in range(30) if not is_held_out(RECIPE, "shop", f"module_{number}.py")]
    assert sum(f"def module_{number}(" in learned for number in kept) > len(kept) / 2  # others have a hole there


def test_the_same_files_are_held_out_whatever_else_is_read(team: Path, built: Path, tmp_path: Path) -> None:
    build([team / "shop"], tmp_path / "data", RECIPE, workers=1)
    here, _ = read_held_out(tmp_path / "data")
    assert here == [file for file in read_held_out(built)[0] if file.repository == "shop"]


def test_places_are_drawn_from_held_out_files_alone(built: Path, team: Path) -> None:
    held, filters = read_held_out(built)
    recipe = DataRecipe(filters=filters)
    benchmark = RepositoryBenchmark.load(
        [team / "shop", team / "tools"], kinds=("lines",), count=1000, others=(False,), recipe=recipe, held_out=held
    )
    asked = {(problem.details.document.repository, problem.details.document.path) for problem in benchmark.problems}
    assert asked == {(file.repository, file.path) for file in held}
    assert filters == RECIPE.filters
    # Of the repositories that are given.
    (tools,) = {document.repository for document in Files([team / "tools"], recipe, held).asked}
    assert tools == "tools"


@pytest.mark.parametrize(
    "line", ['{"repository": "shop", "pa', '["shop"]', '{"repository": "shop", "path": "a.py", "sha256": 5}']
)
def test_a_damaged_list(built: Path, tmp_path: Path, line: str) -> None:
    for name in ("manifest.json", "held-out.jsonl"):
        shutil.copy(built / name, tmp_path / name)
    whole = (tmp_path / "held-out.jsonl").read_text("utf-8").splitlines()
    (tmp_path / "held-out.jsonl").write_text("\n".join([*whole, line]), "utf-8")
    with pytest.raises(UserError, match=rf"held-out\.jsonl, line {len(whole) + 1}: it is no file that was held out"):
        read_held_out(tmp_path)


def test_what_was_held_out_must_be_there_as_it_was(built: Path, team: Path, tmp_path: Path) -> None:
    held, _ = read_held_out(built)
    with pytest.raises(UserError, match="Files of shop were held out, and none of tools"):
        Files([team / "tools"], None, [file for file in held if file.repository == "shop"])
    shutil.copytree(team / "shop", tmp_path / "shop")
    secret = tmp_path / "shop" / held_out_name()
    secret.write_text(secret.read_text("utf-8") + "x = 1\n", "utf-8")
    with pytest.raises(UserError, match=f"{held_out_name()} of shop is changed since it was held out"):
        Files([tmp_path / "shop"], None, held)
    secret.unlink()
    with pytest.raises(UserError, match="is not there since it was held out"):
        Files([tmp_path / "shop"], None, held)


def test_a_data_set_that_holds_nothing_out_says_so(built: Path, tmp_path: Path) -> None:
    shutil.copy(built / "manifest.json", tmp_path)
    with pytest.raises(UserError, match=r"--held-out-share 0\.1"):
        read_held_out(tmp_path)


def test_a_share_that_holds_out_nothing_is_told(team: Path, tmp_path: Path) -> None:
    recipe = replace(RECIPE, held_out_share=1e-9)
    with pytest.raises(UserError, match="holds none of the kept files out"):
        build([team / "shop"], tmp_path / "data", recipe, workers=1)


def test_the_list_has_names_and_hashes_and_no_code(built: Path) -> None:
    rows = [json.loads(line) for line in (built / "held-out.jsonl").read_text("utf-8").splitlines()]
    assert rows and all(set(row) == set(HeldOut.__dataclass_fields__) for row in rows)
    assert "settle" not in (built / "held-out.jsonl").read_text("utf-8")
