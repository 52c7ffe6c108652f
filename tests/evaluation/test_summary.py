from typing import Any

from codegem.evaluation.judging import Judged
from codegem.evaluation.predictions import Prediction
from codegem.evaluation.report import make_report
from codegem.evaluation.summary import summary
from codegem.evaluation.task import Verdict


def test_the_figures_and_their_conditions(toy: Any) -> None:
    bench = toy(4, ("go", "rust"))
    predictions = [
        Prediction(p.task_id, "x", stop_reason="stop", seconds=30.0, cut=p.group == "go", max_tokens=80)
        for p in bench.problems
    ]
    judged = [
        Judged(p.task_id, 0, Verdict.PASSED if p.details % 2 else Verdict.FAILED, measures={"edit": 0.5}, answer="a")
        for p in bench.problems
    ]
    judged[-1] = Judged("rust/3", 0, Verdict.FAILED, "no prediction")
    lines = summary(make_report(bench, bench.problems, predictions, judged, model="m", settings={})).splitlines()
    assert lines == [
        "m on toy",
        "  go: 4 problems, 2 passed, 2 failed, 0 timed out, 0 with an error",
        "    pass@1              50.0%   (95% interval 15.0% to 85.0%)",
        "    edit                50.0%   (95% interval 50.0% to 50.0%)",
        "    stopped by itself  100.0%   (95% interval 51.0% to 100.0%)",
        "  rust: 4 problems, 1 passed, 3 failed, 0 timed out, 0 with an error",
        "    pass@1              25.0%   (95% interval 4.6% to 69.9%)",
        "    edit                50.0%   (95% interval 50.0% to 50.0%)",
        "    stopped by itself  100.0%   (95% interval 51.0% to 100.0%)",
        "generated in 4 min 0 s, judged in 0.0 s",
        "CUT: the model read only a part of 4 prompts. (go)",
        "LOWERED: answers could have at most 80 tokens, for want of context. (go, rust)",
        "NO PREDICTION: 1 answers are missing and count as wrong. (rust)",
    ]
