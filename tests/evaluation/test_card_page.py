"""The card as a page: whole, alone, and harmless whatever a model wrote."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.evaluation import card
from codegem.evaluation.card import Card, Example, Section
from codegem.evaluation.card_page import page
from codegem.evaluation.report import Report
from codegem.evaluation.scoring import estimate
from codegem.evaluation.task import DataFile

from .test_card import EVIL, Source, some_row, toy

_TAGS = (
    "html head meta title style body main h1 h2 h4 p span div a ul li b i table thead tbody tr th td details summary "
    "pre mark code"
)
TAGS = set(_TAGS.split())
ATTRIBUTES = {"lang", "charset", "name", "content", "class", "style", "title", "href", "id"}


class Reader(HTMLParser):
    """Collects a page's text, and refuses tags and attributes that the page does not make itself."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.text = ""
        self.ids: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in TAGS, tag
        assert {name for name, _ in attrs} <= ATTRIBUTES, attrs
        self.ids |= {value or "" for name, value in attrs if name == "id"}
        self.links |= {value or "" for name, value in attrs if name == "href"}
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    assert reader.open == []
    assert all(link.startswith("#") and link[1:] in reader.ids for link in reader.links)
    return reader


def one(text: str) -> Card:
    """A card in which everything that others wrote is `text`."""
    row = some_row(group=text, skipped_reasons={text: 1}, skipped=1, measures={text: estimate([0.5])})
    report = Report(
        "bc-mbpp", text, text, {"order": text}, [DataFile(text, text, 1)], {text: text}, {"processor": text}, text,
        text, {"predict": 1.0, "judge": 1.0}, [row],
    )  # fmt: skip
    example = Example(text, text, "failed", text, text, text, text)
    return Card(text, text, text, None, [Section("bc-mbpp", report, [example]), Section("mbpp", absent=text)])


def test_a_page_of_everything(tmp_path: Path) -> None:
    made = card.run(Source(), tmp_path, load=toy)
    html = (tmp_path / "card.html").read_text("utf-8")
    assert html == page(made)
    text = read(html).text
    for sentence in ("BC-HumanEval C++", "Infilling, random-span-light", "no kotlinc: install it", "the first 1 of 1",
                     "78.41", "22,896", "sha256 " + "ab" * 32, "toy", "50.0"):  # fmt: skip
        assert sentence in text, sentence
    assert not re.search(r"https?://|@import|url\(", html)


def test_what_others_wrote_stays_text() -> None:
    reader = read(page(one(EVIL)))
    assert "<script>alert('x')</script>&amp;<img src=x onerror=y>" in reader.text
    assert "\\u202e\\x1b[31m\\ud800" in reader.text and "\u202e" not in reader.text


@given(st.text("<>&\"'=/ax \n\r\t`\x00\u2028\ud800-!]", max_size=12))
def test_any_text_stays_text(text: str) -> None:
    html = page(one(text))
    read(html).text.encode()


def test_bars_show_intervals() -> None:
    html = page(one("go"))
    assert "class=fill style='left:0.00%;width:50.00%'" in html
    (left, width) = re.search(r"class=span style='left:([\d.]+)%;width:([\d.]+)%'", html).groups()  # type: ignore
    assert (float(left), float(left) + float(width)) == pytest.approx((23.66, 76.34), abs=0.02)
    assert "class=band style='left:38.90%;width:14.30%' title='CodeGemma, published: 38.9 to 53.2'" in html


def test_a_card_of_a_part_says_so() -> None:
    made = one("go")
    assert "Only the first" not in page(made)
    assert "Only the first 5 problems" in page(Card(made.model, made.date, made.codegem, 5, made.sections))


def test_a_card_without_any_failure() -> None:
    assert "<h2>Failures to read</h2><p>None.</p>" in page(Card("m", "d", "v", None, [Section("mbpp", absent="x")]))


@pytest.mark.skipif(not shutil.which("chromium"), reason="no chromium")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_browser_shows_it_without_scrolling_sideways(tmp_path: Path, width: int) -> None:
    """The page's own width, asked of a browser by a script that only this test adds."""
    made = card.run(Source("a-model-with-quite-a-long-name/of-28-B-parameters-it-GGUF"), tmp_path / "card", load=toy)
    asking = (
        "<script>const e = document.documentElement; document.title = `${e.scrollWidth} of ${e.clientWidth}`</script>"
    )
    file = tmp_path / "card.html"
    opened = page(made).replace("<details>", "<details open>")
    # A frame, as a window of a browser can't be made narrower than 500.
    frame = file.with_name("inner.html")
    frame.write_text(opened.replace("</body>", f"{asking}</body>"), encoding="utf-8")
    told = "document.title = this.contentDocument.title"
    file.write_text(f"<iframe src=inner.html width={width} height=900 frameborder=0 onload='{told}'></iframe>")
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += [f"--user-data-dir={tmp_path / 'profile'}", "--allow-file-access-from-files", "--hide-scrollbars"]
    command += ["--dump-dom", file.as_uri()]
    environment = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title and title[1] == f"{width} of {width}", done.stdout[:500] + done.stderr[-500:]
