"""The page of a report: well-formed, standing alone, with the numbers of the report, whatever names it is given."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.accounts import STAGES
from codegem.data.recipe import DataRecipe
from codegem.data.report import DataReport, Histogram
from codegem.data.report_page import page
from codegem.data.shards import Manifest, Shard
from codegem.data.show import Shown, Span

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'--><style>*{display:none}</style>",
    "</pre></details></body></html>",
    "&lt;b&gt; &amp;",
    "a\n\tb  c",
    "http://evil.example/x.js",
]
COUNTS: dict[str, Any] = {
    "read": 12345,
    "kept": 9000,
    "rejected": 3345,
    "fim_rate": 0.4321,
    "file_parts": 20456,
    "stages": {stage: {"read": 12345, "kept": 12345, "rejected": 0} for stage in STAGES}
    | {"filter": {"read": 12345, "kept": 9000, "rejected": 3345}},
    "by_language": {
        "python": {
            "read": 9999,
            "kept": 7001,
            "kept_bytes": 12_340_000,
            "filter: long line": 2990,
            "dedup: near duplicate": 8,
        },
        "go": {"read": 2346, "kept": 1999, "kept_bytes": 1_000},
        "other": {"read": 347, "filter: language": 347},
    },
    "reasons": {"filter: long line": 2990, "filter: language": 355},
    "redacted": {"email": 77},
    "licences": {"MIT": 8888, "unknown": 112},
}


def report(**changes: Any) -> DataReport:
    shards = (Shard("s", "train", 4321, 9, "", ""), Shard("v", "validation", 12, 9, "", ""))
    tokens = {"real": 7654321, "padding": 1000, "share_real": 0.99877}
    recipe = DataRecipe(mixture=(("code", 0.8), ("prose", 0.2))).plain()
    spans = (
        Span("control", "<|fim_prefix|>", 1),
        Span("prefix", "x < 1 && y\n", 4),
        Span("control", "<|file_separator|>", 1),
    )
    made = DataReport(
        directory="set",
        manifest=Manifest("abc123" * 10, recipe, "", {}, 2048, tokens, COUNTS, shards),
        distributions=(Histogram("Tokens of a context", 15, 31.0, (("1", 5), ("16–31", 10))),),
        measured=2000,
        examples=(Shown("train", 7, 4321, ((*spans, Span("answer", "masked one", 2, masked=True)), spans), 2048, 17),),
        rejected=(
            (
                "filter: long line",
                ({"repository": "r", "path": "a.py", "rule": "x", "place": "line 3", "detail": None},),
            ),
        ),
    )
    return replace(made, **changes)


class Reader(HTMLParser):
    """The tags, attributes and texts of a page; sees that what is opened is closed."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "hr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_the_page_stands_alone():
    text = page(report())
    read = Reader(text)
    assert text.startswith("<!doctype html>") and read.tags[:2] == ["html", "head"]
    assert not {"script", "link", "img", "iframe", "object", "embed", "a", "base", "form"} & set(read.tags)
    assert read.attributes <= {"lang", "charset", "class", "style"}
    assert not re.search(r"https?:|//|url\(|@import|javascript:", text)


def hostile(name: str) -> DataReport:
    """A report in which every text is the same name."""
    shown = Shown("train", 1, 2, ((Span("text", name, 1), Span("path", name, 1)),), 10, 0)
    row = dict.fromkeys(("repository", "path", "rule", "place", "detail"), name)
    by_language = {name: {"read": 3, "kept": 1, "kept_bytes": 9, f"filter: {name}": 2}}
    counts = COUNTS | {"by_language": by_language, "reasons": {name: 5}, "licences": {name: 6}, "redacted": {name: 7}}
    recipe = {name: [name], "inner": {name: name}}
    return report(
        directory=name,
        manifest=replace(report().manifest, counts=counts, recipe=recipe),
        distributions=(Histogram(name, 1, 1.0, ((name, 1),)),),
        examples=(shown,),
        rejected=((name, (row,)),),
    )


@pytest.mark.parametrize("name", HOSTILE)
def test_names_are_shown_and_never_obeyed(name: str):
    read = Reader(page(hostile(name)))
    assert set(read.tags) == set(Reader(page(hostile("plain"))).tags)
    assert read.tags == Reader(page(hostile("plain"))).tags and read.attributes <= {"lang", "charset", "class", "style"}
    assert sum(name in text for text in read.texts) >= 15


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_no_name_changes_what_the_page_is_made_of(name: str):
    plain = Reader(page(hostile("plain"))).tags
    assert Reader(page(hostile(name))).tags == plain


def cells(text: str, title: str) -> list[list[str]]:
    """The rows of the table below a heading."""
    part = text.split(f"<h2>{title}")[1].split("<h2>")[0]
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", part)]


def plain(rows: list[list[str]]) -> list[list[str]]:
    return [[cell for cell in row if "<" not in cell] for row in rows if row]


def test_the_numbers_are_those_of_the_report():
    text = page(report())
    head = text.split("<h2>")[0]
    for number in (
        "7,654,321",
        "4,333 examples",
        "of 2,048",
        "99.9%",
        "12,345 files",
        "9,000 kept",
        "3,345 rejected",
        "43.2%",
        "20,456",
    ):
        assert number in head, number
    assert plain(cells(text, "Stages")) == [
        ["stage", "files in", "kept", "rejected", ""],
        *([s, "12,345", "9,000", "3,345"] if s == "filter" else [s, "12,345", "12,345", "0"] for s in STAGES),
    ]
    assert plain(cells(text, "Languages"))[1:] == [
        ["python", "9,999", "7,001", "12.34", "filter: long line (2,990)"],
        ["go", "2,346", "1,999", "0.0", ""],
        ["other", "347", "0", "0.0", "filter: language (347)"],
    ]
    assert plain(cells(text, "Reasons")) == [["filter: long line", "2,990"], ["filter: language", "355"]]
    assert plain(cells(text, "Redacted")) == [["email", "77"]]
    assert plain(cells(text, "Licences")) == [["MIT", "8,888"], ["unknown", "112"]]
    assert "15, median 31" in text and "over 2,000 training examples" in text
    assert plain(cells(text, "Distributions")) == [["1", "5"], ["16–31", "10"]]
    assert "train example 7: 2,048 tokens, 17 of them padding" in text
    assert plain(cells(text, "Examples rejected"))[1:] == [["r", "a.py", "x", "line 3", ""]]
    recipe = dict(row for row in plain(cells(text, "Recipe"))[1:])
    assert recipe["context_length"] == "2048" and recipe["filters.languages"] == "python"
    assert recipe["dedup.threshold"] == "0.7" and list(recipe) == sorted(recipe)


def test_bars_are_as_long_as_their_counts():
    widths = [float(width) for width in re.findall(r"width:([\d.]+)em", str(cells(page(report()), "Reasons")))]
    assert widths == [16, pytest.approx(16 * 355 / 2990, abs=0.01)]
    assert all(float(width) <= 16 for width in re.findall(r"width:([\d.]+)em", page(report())))


def test_examples_keep_their_characters_and_their_segments():
    read = Reader(page(report()))
    assert "x < 1 && y\n" in read.texts and read.texts.count("<|fim_prefix|>") == 2
    assert read.tags.count("hr") == 1 and '<span class="answer masked">masked one</span>' in page(report())
    assert page(report()).count("<span class=file></span>") == 2


def test_nothing_redacted_is_told():
    manifest = report().manifest
    assert "<p>Nothing.</p>" in page(report(manifest=replace(manifest, counts=manifest.counts | {"redacted": {}})))


def test_the_same_report_is_the_same_page():
    assert page(report()) == page(report()) and page(report(directory="other")) != page(report())
