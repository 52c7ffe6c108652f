"""The rating page in a browser: with keys and with a thumb, and whatever a model wrote."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from .chromium import Browser, Page
from .test_rating import Rating, Remembered

READY = "(document.querySelector('#choices button')?.disabled === false)"
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\n"
    "<style>body{display:none}</style>[x](javascript:alert(1)) \u202e </pre></article><h1>Not mine</h1>"
)


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., tuple[Page, Remembered]]]:
    """A function of what is rated and the page's settings; afterwards no page may have complained."""
    with ExitStack() as stack:
        pages = []

        def open_(rated: Remembered, **settings: object) -> tuple[Page, Remembered]:
            rating = Rating(rated)
            stack.callback(rating.close)
            page = browser.page(rating.url, **settings)  # type: ignore[arg-type]
            stack.callback(page.close)
            pages.append(page)
            page.until("!document.querySelector('#welcome').hidden")
            if rated.raters is None:
                page.click("#name")
                page.type("ann")
                page.click("#name-form button")
                page.until(READY)
            return page, rated

        yield open_
        assert [complaint for page in pages for complaint in page.complaints] == []


def test_two_answers_by_the_keyboard(opened: Callable[..., tuple[Page, Remembered]]) -> None:
    page, rated = opened(Remembered("One.", "Two."))
    assert page.text("#request") == "Request 0" and page.text("#question") == "What is the first answer?"
    page.key("3")
    assert page.text("#question") == "What is the second answer?" and page.text(".tag:not([hidden])") == "Harmful"
    page.key("1")
    assert page.text("#question") == "Which is better?"
    page.key("u")
    assert page.text("#question") == "What is the second answer?" and rated.said == [], "undone before it was saved"
    page.key("4")
    page.key("3")
    page.until(f"{READY} && document.querySelector('#count').innerText === '1 of 2'")
    assert rated.said == [("ann", 0, ("harmful", "no answer"), "second")], "saved at once"
    assert page.text("#request") == "Request 1"
    page.key("u")
    page.until(f"{READY} && document.querySelector('#count').innerText === '0 of 2'")
    assert rated.said == [] and page.text("#request") == "Request 0"
    assert page.text("#choices .chosen").startswith("Second"), "what was said is shown, and may be changed"
    page.key("2")
    page.until(f"{READY} && document.querySelector('#count').innerText === '1 of 2'")
    assert rated.said == [("ann", 0, ("harmful", "no answer"), "equal")]
    page.key("n")
    page.until(f"{READY} && document.querySelector('#request').innerText === 'Request 0'")
    page.key("?")
    page.key("1")
    assert page.text("#question") == "What is the first answer?", "keys rate nothing while the help is open"


def test_what_a_model_wrote_stays_text(opened: Callable[..., tuple[Page, Remembered]]) -> None:
    page, _ = opened(Remembered(HOSTILE, "  \n "))
    assert page.value("document.querySelector('.answer pre').textContent") == HOSTILE
    assert (
        page.value("document.querySelectorAll('#answers script, #answers img, #answers style, #answers a').length") == 0
    )
    assert page.value("document.title") == "codegem: rate answers"
    assert page.value("document.querySelectorAll('h1').length") == 1
    assert "The answer is empty." in page.text("#answers"), "an empty answer is said to be one"


def test_a_phone(opened: Callable[..., tuple[Page, Remembered]]) -> None:
    long = ("a_very_long_name_without_a_space" * 9 + "\n") * 30
    page, rated = opened(Remembered(long, long), width=375, height=667, phone=True)
    for _ in range(3):
        assert page.value("document.documentElement.scrollWidth") == 375, "nothing goes beyond the side"
        sizes = page.value(
            "[...document.querySelectorAll('#choices button')].map(b => b.getBoundingClientRect().toJSON())"
        )
        assert all(box["height"] >= 48 and box["width"] >= 90 and box["bottom"] <= 667 for box in sizes)
        seen = page.value("document.querySelector('#content').getBoundingClientRect().height")
        assert seen > 350, "most of the screen is for reading"
        page.tap("#choices button:nth-child(2)")
    page.until(f"{READY} && document.querySelector('#count').innerText === '1 of 2'")
    assert rated.said[0][2] == ("harmless", "harmless")
    assert page.value("document.querySelector('#content').scrollTop") == 0, "the next one is shown from its beginning"


def test_to_the_end_and_back(opened: Callable[..., tuple[Page, Remembered]]) -> None:
    page, rated = opened(Remembered(raters=["ann", "bob"]), width=375, height=667, phone=True)
    assert page.value("document.querySelector('#name-form').hidden")
    page.tap("#names button:nth-child(2)")
    page.until(READY)
    page.value("window.answer = window.fetch, window.fetch = () => Promise.reject(new TypeError('gone'))")
    page.tap("#choices button")
    page.until(READY)
    assert "Nothing was saved; choose again." in page.text("#problem") and rated.said == []
    page.value("window.fetch = window.answer")
    for number in range(2):
        page.until(f"{READY} && document.querySelector('#count').innerText === '{number} of 2'")
        page.tap("#choices button")
    page.until("!document.querySelector('#done').hidden && !document.querySelector('#undo').disabled")
    assert page.value("document.querySelector('#problem').hidden")
    assert [said[0] for said in rated.said] == ["bob"] * 2
    page.tap("#undo")
    page.until("document.querySelector('#count').innerText === '1 of 2'")
    assert len(rated.said) == 1 and page.value("!document.querySelector('#ask').hidden")
