"""Numbers and texts as a card shows them, whatever it is written in."""

import re

from codegem.evaluation.card import Card
from codegem.evaluation.findings import Figure, Findings
from codegem.evaluation.report import Report

# Control characters, halves of surrogate pairs, and what changes the direction of text or hides in it.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")


def share(value: float) -> str:
    """A share in percent.

    >>> share(0.31098)
    '31.1'
    """
    return f"{100 * value:.1f}"


def figure(percent: float | None) -> str:
    """A published figure, as exact as it was.

    >>> figure(78.41), figure(None)
    ('78.41', '–')
    """
    return "–" if percent is None else f"{percent:g}" if percent % 1 else f"{percent:.1f}"


def measured(found: Figure) -> str:
    """The value of a finding, a share in percent.

    >>> measured(Figure("exact", "exact", 0.0125)), measured(Figure("bits", "bits", 1.5, unit="bits"))
    ('1.2%', '1.5 bits')
    """
    if found.value is None:
        return "–"
    return f"{share(found.value)}%" if found.unit == "share" else f"{found.value:.4g} {found.unit}"


def facts(found: Findings) -> list[tuple[str, str]]:
    """What was asked, of what, with what: (name, value) of each fact that a reader may want."""
    settings = ", ".join(f"{name} {value}" for name, value in found.settings.items() if value is not None)
    files = [(file.name, f"{file.records:,} records, sha256 {file.sha256}") for file in found.data]
    took = [(f"seconds of {name}", f"{seconds:.1f}") for name, seconds in found.seconds.items()]
    return [("settings", settings or "none"), *found.tools.items(), *took, *files]


def printable(text: str) -> str:
    r"""Text in which nothing is hidden: what can't be seen is shown by its number.

    >>> printable("a\x1b[31m\u202eb\r\n")
    'a\\x1b[31m\\u202eb\\r\n'
    """
    return _UNSEEN.sub(lambda found: found[0].encode("unicode_escape", "surrogatepass").decode(), text)


def known_settings(report: Report) -> str:
    """What decided the answers, in a line."""
    return ", ".join(f"{name} {value}" for name, value in report.settings.items() if value is not None)


def machines(card: Card) -> list[str]:
    """Each machine that a part of the card was judged on, in a line."""
    found = []
    for section in card.sections:
        if section.report is not None:
            machine = dict(section.report.machine)
            memory = machine.pop("memory", None)
            cores = machine.pop("cores", None)
            words = [str(machine.get("processor", "")), f"{cores} cores" if cores else ""]
            words += [f"{memory / 2**30:.0f} GiB" if memory else "", str(machine.get("system", ""))]
            words += [f"Python {machine['python']}" if machine.get("python") else ""]
            found.append(", ".join(word for word in words if word))
    return list(dict.fromkeys(found))
