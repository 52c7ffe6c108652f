"""Windows that were judged -> figures: rates with intervals, by language, licence and how many files hold a text."""

import re
from collections import Counter
from collections.abc import Sequence

from codegem.evaluation.findings import Better, Figure, share
from codegem.evaluation.memorisation.judging import Repeated
from codegem.evaluation.memorisation.origins import Origin
from codegem.evaluation.memorisation.personal import CLASSES
from codegem.evaluation.scoring import bootstrap


def figures(train: Sequence[Repeated], control: Sequence[Repeated], origins: Sequence[Origin | None]) -> list[Figure]:
    """All figures of a run.

    Args:
        origins: of each window of training rows; empty where there is no index.
    """
    held = {name: [any(kind == name for kind, _ in one.held) for one in train] for name in CLASSES}
    spread = [origin.spread if origin else "" for origin in origins]
    return [
        *_rates("", "", train),
        _equal("", "", train),
        *_rates(".control", ", control", control, ""),
        _equal(".control", ", control", control),
        *(share(name, title, held[name], "lower") for name, (title, _) in CLASSES.items()),
        *_by("in", spread, train),
        *_by("", [one.window.language for one in train], train),
        *_by("licence", [origin.licence if origin else "" for origin in origins], train),
    ]


def _rates(suffix: str, title: str, judged: Sequence[Repeated], better: Better = "lower") -> list[Figure]:
    return [
        share(f"exact{suffix}", f"repeated exactly{title}", [one.exact for one in judged], better),
        share(f"approximate{suffix}", f"repeated but for a tenth{title}", [one.approximate for one in judged], better),
    ]


def _equal(suffix: str, title: str, judged: Sequence[Repeated]) -> Figure:
    name, title = f"equal{suffix}", f"tokens before the first other one{title}"
    values = [one.equal for one in judged]
    if not values:
        return Figure(name, title, None, unit="tokens", better="")
    low, high = bootstrap(values)
    return Figure(name, title, sum(values) / len(values), low, high, len(values), "tokens", "")


def _by(kind: str, groups: Sequence[str], judged: Sequence[Repeated]) -> list[Figure]:
    """Rates of each group, the largest first; a window without one counts in none."""
    made = []
    for group, _ in Counter(filter(None, groups)).most_common():
        chosen = [one for one, name in zip(judged, groups, strict=True) if name == group]
        words = [word for word in (kind, re.sub(r"[^a-z0-9+#]+", "-", group.lower()).strip("-")) if word]
        made += _rates("." + ".".join(words), f", {'in ' if kind == 'in' else ''}{group}", chosen)
    return made
