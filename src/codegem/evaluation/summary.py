"""A report in a few lines, for a terminal."""

from codegem.evaluation.report import Report, Row
from codegem.evaluation.scoring import Estimate


def summary(report: Report) -> str:
    """The figures, and whatever a reader must know before believing them."""
    lines = [f"{report.model} on {report.benchmark}"]
    for row in report.rows:
        lines += _row(row)
    seconds = report.seconds
    lines.append(f"generated in {duration(seconds['predict'])}, judged in {duration(seconds['judge'])}")
    return "\n".join([*lines, *_warnings(report)])


def unjudged(report: Report) -> str:
    """Why a report has no figure at all; "" if it has one."""
    if any(row.counted for row in report.rows):
        return ""
    reasons = dict.fromkeys(reason for row in report.rows for reason in row.skipped_reasons)
    return f"No answer could be judged: {'; '.join(reasons)}"


def _row(row: Row) -> list[str]:
    answers = f"{row.samples} answers each, " if row.samples > 1 else ""
    head = f"  {row.group or 'all'}: {row.counted:,} problems, {answers}" + ", ".join(
        f"{count:,} {name}"
        for name, count in (
            ("passed", row.passed),
            ("failed", row.failed),
            ("timed out", row.timed_out),
            ("with an error", row.error),
        )
    )
    figures = [(f"pass@{k}", value) for k, value in row.pass_at.items()]
    figures += [(name.replace("_", " "), value) for name, value in row.measures.items()]
    if row.stopped:
        figures.append(("stopped by itself", row.stopped))
    return [head, *(f"    {name:<18} {_figure(value)}" for name, value in figures)]


def _figure(value: Estimate) -> str:
    """
    >>> _figure(Estimate(0.5, 0.4038, 0.5962))
    ' 50.0%   (95% interval 40.4% to 59.6%)'
    >>> _figure(Estimate(12.25, 11.0, 13.0))
    '12.25    (95% interval 11.00 to 13.00)'
    """
    if value.low >= 0 and value.high <= 1:
        return f"{value.value:6.1%}   (95% interval {value.low:.1%} to {value.high:.1%})"
    return f"{value.value:5.2f}    (95% interval {value.low:.2f} to {value.high:.2f})"


def _warnings(report: Report) -> list[str]:
    """What changes the meaning of the figures; what holds for several rows is said once."""
    rows: dict[str, list[Row]] = {}
    for row in report.rows:
        for warning in _row_warnings(row):
            rows.setdefault(warning, []).append(row)
    found = []
    for warning, concerned in rows.items():
        names = ", ".join(row.group for row in concerned if row.group)
        found.append(f"{warning} ({names})" if names else warning)
    return found


def _row_warnings(row: Row) -> list[str]:
    found = [f"NOT JUDGED: {count:,} answers were skipped: {reason}" for reason, count in row.skipped_reasons.items()]
    if row.without_prediction:
        found.append(f"NO PREDICTION: {row.without_prediction:,} answers are missing and count as wrong.")
    if row.cut:
        found.append(f"CUT: the model read only a part of {row.cut:,} prompts.")
    if row.lowered_to is not None:
        found.append(f"LOWERED: answers could have at most {row.lowered_to} tokens, for want of context.")
    return found


def duration(seconds: float) -> str:
    """Seconds as people say them.

    >>> duration(7.25), duration(150), duration(7500)
    ('7.2 s', '2 min 30 s', '2 h 5 min')
    """
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s"
    return f"{whole // 60} min {whole % 60} s" if whole < 3600 else f"{whole // 3600} h {whole % 3600 // 60} min"
