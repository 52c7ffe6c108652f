"""`codegem tune`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from codegem.commands.arguments import parse, print_json

if TYPE_CHECKING:
    from codegem.train.tune import Tuned


def tune(words: list[str]) -> None:
    """`codegem tune`."""
    from codegem.train.subject import Tuning
    from codegem.train.tune_recipe import Schedule

    def run(
        data: Path,
        out: Path,
        model: str = "nano",
        accept_changes: bool = False,
        json: bool = False,
        tuning: Annotated[Tuning, tyro.conf.arg(name="")] = Tuning(),  # noqa: B008  # frozen
        schedule: Annotated[Schedule, tyro.conf.arg(name="")] = Schedule(),  # noqa: B008
    ) -> None:
        """Tune a model on one's own code or conversations: codegem tune --model nano --data data/mine --out runs/mine

        What is learned lies in OUT/adapter, which every command takes as a model. It can be stopped at any moment, and
        the same command goes on.

        Args:
            data: what `codegem data build` made with the model's tokenizer, or `codegem data instructions`.
            out: for the adapter, checkpoints and metrics.jsonl.
            model: nano, a model directory (quantized ones too), a .gguf file, a hub id, or an adapter to go on with.
            accept_changes: go on from a checkpoint of another recipe or other data.
            json: print an object for programs.
            tuning: what of the model is trained.
            schedule: how; what is left out is worked out from the sizes of the model and of the data.
        """
        from codegem.train.tune import tune as run_tuning

        tuned = run_tuning(model, data, out, tuning, schedule, accept_changes=accept_changes)
        if json:
            print_json(record(tuned))
        else:
            print(sentence(tuned))

    parse(run, "tune", words)


def sentence(tuned: "Tuned") -> str:
    """What came of it, for a person."""
    recipe, result = tuned.recipe, tuned.result
    steps = f"{result.step:,} of {recipe.steps:,} steps of {recipe.batch_size} examples"
    what = f"{tuned.path}: {tuned.parameters / 1e6:,.2f} M numbers trained in {steps}"
    if tuned.before is None or tuned.after is None:
        return f"{what}; the data have no validation examples, so no loss says what it is worth."
    return f"{what}; validation loss {tuned.before:.4f} before and {tuned.after:.4f} after."


def record(tuned: "Tuned") -> dict[str, Any]:
    """The same for programs."""
    return {
        "path": str(tuned.path),
        "parameters": tuned.parameters,
        "steps": tuned.result.step,
        "finished": tuned.result.finished,
        "tokens": tuned.result.tokens,
        "skipped": tuned.result.skipped,
        "learning_rate": tuned.recipe.learning_rate,
        "batch_size": tuned.recipe.batch_size,
        "validation_loss_before": tuned.before,
        "validation_loss_after": tuned.after,
    }
