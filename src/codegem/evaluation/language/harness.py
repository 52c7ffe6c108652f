"""lm-eval's tasks on rows that are at hand, and its evaluator.

lm-eval 0.4.13 reads the data of its tasks through Hugging Face's `datasets`, from their hub. Here a task keeps
lm-eval's own definition, prompts, sampler of examples, metrics and evaluator, and gets its rows from `rows`.
"""

import ast
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import lm_eval
import lm_eval.api.task
from lm_eval import utils
from lm_eval.api.model import LM
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import evaluate
from lm_eval.tasks._yaml_loader import load_yaml

from codegem.evaluation.language.rows import Data, Row
from codegem.evaluation.language.tasks import LanguageTask

SEED = 1234  # of the examples that lm-eval draws; its own default
REVISION = lm_eval.__version__


class _Rows(list[Row]):
    """Rows as lm-eval reads them of a data set."""

    @property
    def features(self) -> dict[str, None]:
        """The names of the fields."""
        return dict.fromkeys(self[0])


class LocalTask(ConfigurableTask):
    """A task of lm-eval on rows that are at hand."""

    def __init__(self, config: dict[str, Any], rows: Sequence[Row], examples: Sequence[Row]):
        self._local = {"asked": _Rows(rows), "examples": _Rows(examples)}
        super().__init__(config=config)

    def download(self, *_: Any, **__: Any) -> None:
        """Nothing is fetched."""
        self.dataset = self._local


def build(task: LanguageTask, data: Data) -> dict[str, LocalTask]:
    """lm-eval's task, or its tasks by subject where examples and a first line belong to one.

    Answers that are written are not judged by it: `judges` does so, all at once.
    """
    subjects = list(dict.fromkeys(row.get("subject", "") for row in data.rows))
    made = {}
    for subject in subjects:
        name = f"{task.name}-{subject}" if subject else task.name
        config = _config(task, name, subject, bool(data.examples))
        chosen = [[row for row in part if row.get("subject", "") == subject] for part in (data.rows, data.examples)]
        made[name] = LocalTask(config, *chosen)
        made[name].set_fewshot_seed(SEED)
    return made


def run(lm: LM, tasks: Mapping[str, LocalTask], limit: int | None = None) -> dict[str, list[dict[str, Any]]]:
    """The judged questions of each task, in their order: metrics by name, `doc`, `arguments` and `resps`.

    Args:
        limit: the first so many of each task.
    """
    with _at_ease():
        found: Any = evaluate(lm=lm, task_dict={"tasks": dict(tasks), "groups": {}}, limit=limit, bootstrap_iters=0)
    return {name: sorted(samples, key=lambda sample: sample["doc_id"]) for name, samples in found["samples"].items()}


def _config(task: LanguageTask, name: str, subject: str, has_examples: bool) -> dict[str, Any]:
    place = Path(lm_eval.__file__).with_name("tasks") / task.definition
    config: dict[str, Any] = load_yaml(place, resolve_func=task.name == "winogrande")
    fixed = config.pop("fewshot_config", None) or {}
    if task.name == "math":
        fixed["samples"] = _literal(place.with_name("utils.py"), "list_fewshot_samples")
        config |= {"doc_to_text": "Problem:\n{{problem}}\n\nSolution:", "doc_to_target": "{{solution}}"}
    config |= {
        "task": name,
        "num_fewshot": task.shots,
        "test_split": "asked",
        "training_split": None,
        "validation_split": None,
        "fewshot_split": "examples" if has_examples else None,
        "process_docs": None,
        "tag": None,
        "should_decontaminate": False,
    }
    if fixed or has_examples:
        config["fewshot_config"] = {**fixed, **({"split": "examples"} if has_examples else {})}
    if subject:
        about = subject.replace("_", " ")
        config["description"] = f"The following are multiple choice questions (with answers) about {about}.\n\n"
    if task.generated:
        config |= {"process_results": lambda row, texts: {}, "filter_list": None, "metric_list": []}
    else:
        wanted = [entry for entry in config["metric_list"] if entry["metric"] in task.metrics]
        config["metric_list"] = [{**entry, "aggregation": "mean", "higher_is_better": True} for entry in wanted]
    return config


def _literal(file: Path, function: str) -> Any:
    """What a function of lm-eval's returns, read and not run: its module imports what is not needed for it."""
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return next(
                ast.literal_eval(part.value) for part in node.body if isinstance(part, ast.Return) and part.value
            )
    raise LookupError(f"lm-eval {REVISION} has no {function}")


@contextmanager
def _at_ease() -> Iterator[None]:
    """lm-eval without its bars and its remarks to its developers, and compiling each template once: it compiles one
    anew for each field of each example, which takes longer than nano for 25 of them."""
    loggers = [logging.getLogger(name) for name in ("lm_eval", "lm_eval.api.task", "lm_eval.evaluator")]
    levels = [logger.level for logger in loggers]
    bars, compiled = lm_eval.api.task.tqdm, utils.env.from_string
    lm_eval.api.task.tqdm = partial(bars, disable=True)  # type: ignore[misc]
    utils.env.from_string = lru_cache(maxsize=64)(compiled)  # type: ignore[assignment]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        lm_eval.api.task.tqdm, utils.env.from_string = bars, compiled  # type: ignore[misc]
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
