"""Whether tuning raises what it is meant to raise: SFT, then DPO and GRPO, on the model that ships, beside controls.

    python benchmarks/rewards.py --out runs/rewards

Questions are sums and functions of one line, a part of them held out (`rewards_tasks`). For each seed:

    SFT      conversations; its control has the answers of other questions of the kind
    DPO      functions with type hints preferred to those without; its control has labels drawn at random
    GRPO     once on sums, by their result, and once on functions, by unit tests in the sandbox; the control of either
             has a round's rewards shuffled

All by the functions behind `codegem tune`, `codegem tune preferences` and `codegem tune rewards`. What is measured is
one greedy answer to each held-out question. A stopped benchmark goes on where it was.
"""

import argparse
import io
import json
import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from rewards_tasks import functions, sums
from rich.console import Console

from codegem.data.instructions import InstructionRecipe, build_instructions
from codegem.data.questions.conversations import Pair
from codegem.train.progress import Progress
from codegem.train.reinforce import RewardRules
from codegem.train.rewards import Judge, Task, read_task
from codegem.train.rollouts import engine_of, roll_out
from codegem.train.subject import Tuning, open_subject
from codegem.train.tune import tune
from codegem.train.tune_preferences import PreferenceRules, parted, tune_preferences
from codegem.train.tune_recipe import Schedule
from codegem.train.tune_rewards import tune_rewards

FULL = Tuning("full", keep=0.0)
HINTS = 0.3  # share of the functions that SFT shows with type hints
FUNCTIONS = 24  # that SFT shows: few, so that something is left to be learned from rewards
MEASURES = ("sums", "functions", "hints")
TUNED = ("sft", "dpo", "grpo-tests", "grpo-sums")
RUNS = ("nano", *(run for name in TUNED for run in (name, f"{name} control")))


Answers = dict[str, list[bool]]


class Bench:
    """The runs of one seed, in a folder."""

    def __init__(self, out: Path, seed: int, quick: float):
        self.out, self.seed, self.quick = out / f"seed-{seed}", seed, quick
        self.sums, self.held_sums = sums(seed)
        self.functions, held = functions(seed)
        self.held_functions = held[:160]
        self.judge = Judge()
        self.out.mkdir(parents=True, exist_ok=True)

    def run(self, name: str) -> Path | str:
        """Make a model, or go on making it; what it is called."""
        if name == "nano":
            return name
        make = {"sft": self._sft, "dpo": self._dpo, "grpo-tests": self._grpo, "grpo-sums": self._grpo}[name.split()[0]]
        return make(self.out / name.replace(" ", "-"), name.endswith("control"))

    def _steps(self, steps: int) -> int:
        return max(2, round(self.quick * steps))

    def _sft(self, out: Path, control: bool) -> Path:
        draw, pairs = random.Random(self.seed), []
        for kind in (self.sums, self.functions[:FUNCTIONS]):
            answers = [question.answers[draw.random() >= HINTS] for question in kind]
            if control:
                draw.shuffle(answers)
            pairs += [
                Pair("bench", f"{place}", question.text, answer)
                for place, (question, answer) in enumerate(zip(kind, answers, strict=True))
            ]
        draw.shuffle(pairs)
        data, recipe = out / "data", InstructionRecipe(256, self.seed, validation_share=0.05)
        build_instructions(pairs, data, recipe, open_subject("nano", FULL).tokenizer)
        schedule = Schedule(steps=self._steps(120), batch_size=4, learning_rate=1e-3, weight_decay=0.0, seed=self.seed)
        return tune("nano", data, out, FULL, schedule, progress=quiet()).path

    def _dpo(self, out: Path, control: bool) -> Path:
        asked = self.functions[FUNCTIONS : FUNCTIONS + 320]
        draw, rows = random.Random(self.seed), []
        turns = [(read_task({"prompt": question.text, "answer": "-"}).turns) for question in asked]
        _, held = parted(range(len(asked)), turns, 0.2, self.seed)
        for place, question in enumerate(asked):
            chosen, rejected = question.answers
            if control and place not in held and draw.random() < 0.5:
                chosen, rejected = rejected, chosen
            rows.append({"prompt": question.text, "chosen": chosen, "rejected": rejected})
        schedule = Schedule(steps=self._steps(24), batch_size=16, learning_rate=3e-5, weight_decay=0.0, seed=self.seed)
        data, rules = written(out / "pairs.jsonl", rows), PreferenceRules(held_out_share=0.2)
        return tune_preferences(self._start(), data, out, rules, FULL, schedule, progress=quiet()).path

    def _grpo(self, out: Path, control: bool) -> Path:
        asked = self.sums if "sums" in out.name else self.functions[FUNCTIONS + 320 :]
        data = written(out / "tasks.jsonl", [{"prompt": question.text, **question.check} for question in asked])
        schedule = Schedule(
            steps=self._steps(30),
            batch_size=64,
            micro_batch=64,
            learning_rate=3e-4,
            weight_decay=0.0,
            seed=self.seed,
            validate_every=1000,
            checkpoint_every=10,
        )
        rules = RewardRules(group=8, max_tokens=24)
        judge = Shuffled(self.judge, self.seed) if control else self.judge
        return tune_rewards(
            self._start(), data, out, rules, FULL, schedule, held_out_share=0.0, judge=judge, progress=quiet()
        ).path

    def _start(self) -> str:
        return str(self.out / "sft" / "model")

    def measure(self, model: Path | str) -> Answers:
        """What greedy answers to the held-out questions are worth."""
        found = self.out / "measured" / f"{Path(model).parent.name or model}.json"
        if found.exists():
            return json.loads(found.read_text())
        subject = open_subject(str(model), FULL)
        engine = engine_of(subject.opened.model, subject.tokenizer)
        answers: Answers = {}
        for name, questions in (("sums", self.held_sums), ("functions", self.held_functions)):
            tasks = [read_task({"prompt": question.text, **question.check}) for question in questions]
            drawn = roll_out(engine, tasks, None, 40) or []
            rewards = self.judge.rewards(tasks, [rollout.text for rollout in drawn])
            answers[name] = [reward == 1 for reward in rewards]
        answers["hints"] = ["-> int" in rollout.text for rollout in drawn]
        found.parent.mkdir(exist_ok=True)
        found.write_text(json.dumps(answers))
        return answers


class Shuffled:
    """The rewards of a round in a random order: as many are 1, and they say nothing."""

    def __init__(self, judge: Judge, seed: int):
        self._judge, self._draw = judge, random.Random(seed)

    def rewards(self, tasks: Sequence[Task], answers: Sequence[str]) -> list[float | None]:
        found = self._judge.rewards(tasks, answers)
        self._draw.shuffle(found)
        return found


def quiet() -> Progress:
    return Progress(1, Console(file=io.StringIO()))


def written(path: Path, rows: Iterable[dict[str, object]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def interval(differences: Sequence[float], draws: int = 2000) -> tuple[float, float]:
    """95% of the mean of paired differences, by drawing questions anew."""
    draw = random.Random(0)
    means = sorted(sum(draw.choices(differences, k=len(differences))) / len(differences) for _ in range(draws))
    return means[round(0.025 * draws)], means[round(0.975 * draws)]


def table(results: dict[str, list[Answers]]) -> str:
    """Shares in percent over all seeds, and differences between runs on the same questions."""
    lines = [f"{'':14}" + "".join(f"{name:>22}" for name in MEASURES)]
    for name, seeds in results.items():
        cells = []
        for measure in MEASURES:
            shares = [100 * sum(answers[measure]) / len(answers[measure]) for answers in seeds]
            cells.append(f"{sum(shares) / len(shares):6.1f} ({min(shares):5.1f} to {max(shares):5.1f})")
        lines.append(f"{name:14}" + "".join(f"{cell:>22}" for cell in cells))
    lines.append("\ndifferences in points, with 95% intervals over questions")
    compared = [("sft", "nano"), ("sft", "sft control")]
    compared += [(run, other) for run in TUNED[1:] for other in ("sft", f"{run} control")]
    for run, other in compared:
        if run in results and other in results:
            cells = []
            for measure in MEASURES:
                differences = [
                    100.0 * (x - y)
                    for one, two in zip(results[run], results[other], strict=True)
                    for x, y in zip(one[measure], two[measure], strict=True)
                ]
                low, high = interval(differences)
                cells.append(f"{sum(differences) / len(differences):+6.1f} ({low:+.1f} to {high:+.1f})")
            lines.append(f"{run} - {other:12}" + "".join(f"{cell:>24}" for cell in cells))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", nargs="*", default=RUNS, help="runs to make; the others must be there already")
    parser.add_argument("--quick", type=float, default=1.0, help="share of the steps")
    options = parser.parse_args()
    results: dict[str, list[Answers]] = {}
    for seed in range(options.seeds):
        bench = Bench(options.out, seed, options.quick)
        for name in RUNS:
            if name in options.only:
                answers = bench.measure(bench.run(name))
                results.setdefault(name, []).append(answers)
                shares = {measure: f"{sum(told) / len(told):.3f}" for measure, told in answers.items()}
                print(f"seed {seed}  {name:14}{shares}", flush=True)
    print(table(results))


if __name__ == "__main__":
    main()
