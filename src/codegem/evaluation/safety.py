"""A model held against a policy: the evaluations that it names, in one folder, and which of its limits hold.

memorisation/ secure-code/ content/    answers and findings each
safety.json                            the findings, the limits, and what each figure is to its limit
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from codegem.evaluation.parts import Evaluation, Part, run_parts
from codegem.evaluation.policy import Outcome, Policy, check
from codegem.evaluation.run_folder import replace_text

FILE = "safety.json"


def run(
    evaluations: Mapping[str, Evaluation], policy: Policy, out: Path, model: str
) -> tuple[list[Part], list[Outcome]]:
    """Run evaluations, hold what they find against a policy, and write safety.json.

    Args:
        model: what to call it.

    Raises:
        UserError: the model answers nothing any more, or the folder can't be written.
    """
    from codegem import __version__

    parts = list(run_parts(evaluations, out))
    outcomes = check(policy, parts)
    whole = {
        "model": model,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "codegem": __version__,
        "policy": {"file": policy.file, "sha256": policy.sha256},
        "outcomes": [asdict(outcome) for outcome in outcomes],
        "evaluations": [asdict(part) for part in parts],
    }
    out.mkdir(parents=True, exist_ok=True)
    replace_text(out / FILE, (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode(errors="replace"))
    return parts, outcomes
