"""`codegem data instructions`: questions and answers to token shards."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

from codegem.commands.arguments import parse, print_json
from codegem.errors import UsageError

if TYPE_CHECKING:
    from codegem.commands.terminal import Bars
    from codegem.data.instructions import InstructionRecipe, Screen
    from codegem.data.questions.conversations import Pair, Refused
    from codegem.data.shards import Manifest


def data_instructions(words: list[str]) -> None:
    """`codegem data instructions`."""

    def run(
        out: Path,
        tokenizer: Path,
        gsm8k: Path | None = None,
        math: Path | None = None,
        mathqa: Path | None = None,
        algebra: int = 0,
        snippets: tuple[Path, ...] = (),
        model: str = "nano",
        pairs: int = 0,
        benchmarks: tuple[Path, ...] = (),
        context_length: int = 2048,
        seed: int = 0,
        run_model_code_without_sandbox: bool = False,
        json: bool = False,
    ) -> None:
        """Make question-and-answer shards: codegem data instructions --tokenizer nano/ --algebra 20000 --out data/chat

        Args:
            out: the folder to make: manifest.json, shards/, rejected.parquet, tokenizer.json.
            tokenizer: a tokenizer.json, or a model's folder.
            gsm8k: GSM8K's train.jsonl.
            math: MATH's train folder, or a file of JSON lines.
            mathqa: MathQA's train.json.
            algebra: how many questions of algebra to make.
            snippets: repositories, as for `codegem data build`: pieces of them are what a model starts from.
            model: nano, or a directory in Hugging Face's layout; it thinks up exercises.
            pairs: how many exercises to ask it for; those that pass their own tests are kept.
            benchmarks: evaluation data; what quotes it is rejected.
            context_length: tokens of a training example.
            seed: of every random choice.
            run_model_code_without_sandbox: DANGER: programs that the model wrote run with all your rights, and may
                read, change and send whatever you can. For machines that hold nothing else.
            json: print the manifest for programs.
        """
        from codegem.commands.terminal import Bars
        from codegem.data.instructions import InstructionRecipe, build_instructions
        from codegem.data.questions.oss_instruct import OssRules
        from codegem.text.tokenizer import load_tokenizer

        if bool(snippets) != bool(pairs):
            raise UsageError("--snippets and --pairs go together: the code to start from, and how many exercises.")
        rules = OssRules(pairs=pairs, unprotected=run_model_code_without_sandbox)
        recipe = InstructionRecipe(context_length=context_length, seed=seed, algebra=algebra, oss=rules)
        recipe.check()
        vocabulary = load_tokenizer(tokenizer)
        given = {"gsm8k": gsm8k, "math": math, "mathqa": mathqa}
        with Bars() as shown:
            questions = _questions(given, recipe, snippets, model, out / "work" / "oss_instruct.jsonl", shown)
            manifest = build_instructions(questions, out, recipe, vocabulary, screen=_screen(benchmarks))
        if json:
            print_json(asdict(manifest))
        else:
            print("\n".join(_lines(manifest, out)))

    parse(run, "data instructions", words)


def _questions(
    given: dict[str, Path | None],
    recipe: "InstructionRecipe",
    snippets: Sequence[Path],
    model: str,
    journal: Path,
    shown: "Bars",
) -> "Iterator[Pair | Refused]":
    """Collections first, then what is made: of two questions that are alike the first stays."""
    from codegem.data.questions.algebra import make_algebra
    from codegem.data.questions.question_sources import read_questions

    for source, path in given.items():
        if path is not None:
            yield from read_questions(source, path)
    yield from make_algebra(recipe.algebra, recipe.seed)
    if recipe.oss.pairs:
        yield from _exercises(recipe, snippets, model, journal, shown)


def _exercises(
    recipe: "InstructionRecipe", snippets: Sequence[Path], model: str, journal: Path, shown: "Bars"
) -> "Iterator[Pair | Refused]":
    import codegem
    from codegem.data.questions.oss_instruct import draw_snippets, make_exercises
    from codegem.data.reading import read_documents
    from codegem.data.recipe import DataRecipe
    from codegem.sandbox.bubblewrap import require

    if not recipe.oss.unprotected:
        require()
    engine = codegem.load(model).engine
    rules = replace(recipe.oss, max_tokens=min(recipe.oss.max_tokens, engine.context_length // 2))

    def fits(prompt: str) -> bool:
        return 1 + len(engine.tokenizer.encode(prompt)) + rules.max_tokens <= engine.context_length

    pieces = draw_snippets(read_documents(snippets, DataRecipe()), rules, recipe.seed, fits)
    yield from make_exercises(
        engine,
        pieces,
        rules,
        journal,
        seed=recipe.seed,
        progress=lambda done, total: shown.update("exercises", done, total, "exercises"),
    )


def _screen(benchmarks: Sequence[Path]) -> "Screen | None":
    """What quotes evaluation data, as the data set wants to hear it."""
    if not benchmarks:
        return None
    from codegem.data.decontamination import BenchmarkIndex

    index = BenchmarkIndex.load(benchmarks)

    def screen(texts: Sequence[str]) -> list[str | None]:
        hits = index.find(texts, ["answer.md"] * len(texts))
        return [f"{hit.benchmark} {hit.record}: {hit.field}" if hit else None for hit in hits]

    return screen


def _lines(manifest: "Manifest", out: Path) -> list[str]:
    """What was made, in a few lines."""
    counts, tokens = manifest.counts, manifest.tokens
    return [
        f"{counts['read']:,} questions read: {counts['kept']:,} kept, {counts['rejected']:,} rejected",
        *(f"  {of['kept']:>8,}  of {of['read']:,} from {name}" for name, of in counts["sources"].items()),
        *(f"  {count:>8,}  {reason}" for reason, count in sorted(counts["reasons"].items(), key=lambda item: -item[1])),
        f"{tokens['real']:,} tokens in {manifest.examples('train'):,} training and "
        f"{manifest.examples('validation'):,} validation examples, {tokens['share_real']:.1%} of the places real",
        f"{out}, hash {manifest.hash[:16]}",
    ]
