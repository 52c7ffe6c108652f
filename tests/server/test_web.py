"""The page in a browser: what a person does there, and what a model or a page from elsewhere must not do."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codegem.errors import Busy

from .chromium import Browser, Page
from .fakes import FakeService
from .serving import Served, eventually

WEB = Path(__file__).parent / "web"
GHOST = "[...document.querySelectorAll('.editor:not([hidden]) .ghost')].map(e => e.textContent).join('\\n')"
CODE = "document.querySelector('.editor:not([hidden]) .area').value"
HOSTILE = (
    "<img src=x onerror=\"document.title='owned'\"></script><script>document.title='owned'</script>",
    " <|fim_prefix|><|file_separator|> [x](javascript:document.title='owned') ![y](http://127.0.0.1:9/spy.png)",
)


def node(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("node")
    if not program:
        pytest.skip("node is not installed; it runs the tests of the page's modules")
    return subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)


def test_modules_of_the_page() -> None:
    tests = sorted(map(str, WEB.glob("*.test.mjs")))
    assert len(tests) > 3
    done = node("--test", *tests)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """A function that opens pages; afterwards none of them may have complained."""
    pages: list[Page] = []

    def open_(url: str, **settings: object) -> Page:
        pages.append(browser.page(url, **settings))  # type: ignore[arg-type]
        return pages[-1]

    yield open_
    complaints = [complaint for page in pages for complaint in page.complaints]
    for page in pages:
        page.close()
    assert complaints == []


@pytest.fixture(scope="module")
def writer() -> FakeService:
    """Its answer, gate and tickets are set by each test."""
    return FakeService()


@pytest.fixture(scope="module")
def served(writer: FakeService) -> Iterator[Served]:
    from .serving import serving

    with serving(writer, can_chat=True) as served:
        yield served


@pytest.fixture
def says(writer: FakeService) -> Callable[..., FakeService]:
    """What the model says from now on."""

    def answer(*words: str | Exception, endless: bool = False) -> FakeService:
        writer.answer, writer.endless = list(words), endless
        writer.tickets.clear()
        writer.gate.set()
        return writer

    return answer


def write(page: Page, text: str) -> None:
    """Replace the code by a text, with the cursor at its end, as a person would."""
    page.key("a", "Control")
    page.type(text)


def at_end(page: Page) -> None:
    page.value("(a => a.setSelectionRange(a.value.length, a.value.length))(document.querySelector('#editors .area'))")


def test_nano_suggests_while_one_types(nano: Served, opened: Callable[..., Page]) -> None:
    page = opened(nano.url)
    page.until("document.querySelector('#model').innerText.includes('nano')")
    page.click("#add-file")
    page.type("def add(a, b):\n")
    page.type("ret")
    ghost = page.until(GHOST)
    before = page.value(CODE)
    assert before == "def add(a, b):\n    ret"
    page.key("Tab")
    page.until(f"{CODE}.length > {len(before)}")
    assert page.value(CODE).startswith(before + ghost.split("\n")[0])
    page.until("document.querySelector('#facts').innerText.includes('tokens/s')")
    assert page.text("#tokens")


def test_a_suggestion_is_accepted_typed_through_and_dismissed(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    service, page = says("turn ", "a + b"), opened(served.url)
    page.click("#add-file")
    page.type("re")
    assert page.until(GHOST) == "turn a + b"
    asked = len(service.tickets)
    page.type("tu")
    assert page.value(GHOST) == "rn a + b"
    page.key("ArrowRight", "Control")
    assert (page.value(CODE), page.value(GHOST)) == ("return", " a + b")
    page.key("Escape")
    assert (page.value(CODE), page.value(GHOST)) == ("return", "")
    page.key(" ", "Control")
    assert page.until(GHOST) == " a + b"
    assert len(service.tickets) == asked  # all of it was known
    page.key("Tab")
    assert page.value(CODE) == "return a + b"
    page.key("z", "Control")
    assert page.value(CODE) == "return"  # acceptance is one step of undo


def test_another_key_ends_the_request_and_nothing_stale_is_shown(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    service, page = says("stale"), opened(served.url)
    page.click("#add-file")
    service.gate.clear()
    page.type("x")
    assert eventually(lambda: len(service.tickets) == 1)
    page.type("y")
    assert eventually(service.tickets[0].cancelled.is_set)
    service.gate.set()
    assert page.until(GHOST) == "stale"
    asked = [ticket.request for ticket in service.tickets]
    assert [request.prompt.prefix + request.begin for request in asked] == ["x", "xy"]  # type: ignore[union-attr]


def test_escape_stops_waiting_and_then_tab_leaves_the_editor(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    service, page = says("late"), opened(served.url)
    service.gate.clear()
    page.click("#add-file")
    page.key(" ", "Control")
    assert eventually(lambda: len(service.tickets) == 1)
    page.key("Escape")
    assert eventually(service.tickets[0].cancelled.is_set)
    service.gate.set()
    page.key("Tab")
    assert page.value(CODE) == "    "
    page.key("Escape")
    page.key("Tab")
    assert page.value("document.activeElement.id") == "ask-now"
    assert page.value(CODE) == "    "


def test_several_lines_are_suggested_between_the_lines(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    says("if x:\n", "        return 1\n", "    return 2"), (page := opened(served.url))
    page.click("#add-file")
    page.value("document.querySelector('[name=automatic]').click()")
    page.value("document.querySelector('[name=rules]').click()")
    page.type("def f(x):\n")
    page.type("\nlast = 1")
    page.key("ArrowUp")
    page.key("End")
    page.key(" ", "Control")
    ghost = page.until(GHOST)
    assert ghost == "if x:\n        return 1\n    return 2"
    lines = page.value("[...document.querySelectorAll('.editor:not([hidden]) .line')].map(e => e.textContent)")
    assert lines == ["def f(x):", "    if x:", "        return 1", "    return 2", "    last = 1"]
    assert page.value("document.querySelector('.editor:not([hidden]) .gutter').textContent") == "1\n2\n\n\n3"
    line = "document.querySelectorAll('.editor:not([hidden]) .line')[4].getBoundingClientRect()"
    page.press(*page.value(f"(b => [b.x + 60, b.y + 8])({line})"))  # lower than the text area has that line
    assert page.value("document.querySelector('.editor:not([hidden]) .area').selectionStart") > len(
        "def f(x):\n    \n    "
    )
    assert page.value(GHOST) == ""


def test_other_files_go_along_and_can_be_named_and_removed(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    service, page = says("1"), opened(served.url)
    page.click("#add-file")
    page.click("#path")
    page.key("a", "Control")
    page.type("lib/new.py")
    page.value("document.querySelector('.editor:not([hidden]) .area').focus()")
    page.type("x = ")
    page.until(GHOST)
    prompt = service.tickets[-1].request.prompt
    assert prompt.path == "lib/new.py"  # type: ignore[union-attr]
    assert [path for path, _ in prompt.context] == ["shop/item.py", "shop/basket.py"]  # type: ignore[union-attr]
    assert page.text("#files [aria-selected=true]") == "new.py"
    page.click("#remove-file")
    assert page.value("document.querySelectorAll('#files button').length") == 2
    page.value("document.querySelector('#files [aria-selected=true]').focus()")
    page.key("ArrowLeft")
    assert page.value("document.querySelector('#path').value") == "shop/item.py"
    page.click("#remove-file")
    assert page.value("document.querySelector('#remove-file').disabled")


def test_tokens_tell_what_else_was_likely(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    says("one", " two", " three")
    page = opened(served.url)
    page.value("document.querySelector('#prompt-part').open = true")
    page.key(" ", "Control")
    page.until("document.querySelectorAll('.token').length == 3 && document.querySelector('#facts').innerText")
    page.value("document.querySelector('.token').focus()")
    page.key("ArrowRight")
    assert page.value("document.activeElement.textContent") == "·two"
    tip = page.text("#tip")
    assert "61 %" in tip and "other" in tip and "37 %" in tip
    page.key("Escape")
    assert page.value("document.querySelector('#tip').hidden")
    marks = page.value("[...document.querySelectorAll('#prompt mark')].map(e => e.textContent)")
    assert marks[0] == "<bos>" and marks[-1] == "<|fim_middle|>" and "class Item" in page.text("#prompt")


def test_errors_are_told(served: Served, says: Callable[..., FakeService], browser: Browser) -> None:
    says(Busy("Too many requests wait already; ask again in a moment."))
    page = browser.page(served.url)
    page.key(" ", "Control")
    page.until("document.querySelector('#state.error')?.innerText.includes('Too many')")
    empty = "field => { field.value = ''; field.dispatchEvent(new Event('input', {bubbles: true})) }"
    page.value(f"({empty})(document.querySelector('[name=seed]'))")
    page.key(" ", "Control")
    page.until("document.querySelector('#state').innerText.includes('out of range')")
    page.close()


def test_errors_in_the_middle_of_an_answer_are_told(
    served: Served, says: Callable[..., FakeService], browser: Browser
) -> None:
    service, page = says("half ", ValueError("secret")), browser.page(served.url)
    service.gate.clear()
    page.value("document.querySelector('[name=rules]').click()")
    page.key(" ", "Control")
    assert eventually(lambda: len(service.tickets) == 1)
    service.gate.set()
    page.until("document.querySelector('#state.error')?.innerText.includes('went wrong')")
    assert page.value(GHOST) == ""
    page.key("2", "Alt")
    page.type("hello")
    page.key("Enter")
    page.until("document.querySelector('[role=alert]')?.innerText.includes('went wrong')")
    page.send("Network.enable")
    page.send("Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1)
    page.key("1", "Alt")
    page.key(" ", "Control")
    page.until("document.querySelector('#state.error')?.innerText.includes('reached')")
    assert "secret" not in page.text("body")
    page.close()


def test_nothing_is_asked_while_a_character_is_composed(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    service, page = says("です"), opened(served.url)
    page.click("#add-file")
    page.type("# ")
    page.send("Input.imeSetComposition", text="に", selectionStart=1, selectionEnd=1)
    page.key(" ", "Control")
    asked = len(service.tickets)
    page.send("Input.insertText", text="日本")
    page.until(GHOST)
    assert page.value(CODE) == "# 日本"
    assert asked <= 1 and all("に" not in ticket.request.prompt.prefix for ticket in service.tickets)  # type: ignore[union-attr]


def test_with_a_key_the_browser_sends_it_along(serve: Callable[..., Served], opened: Callable[..., Page]) -> None:
    served = serve(FakeService(["keyed"]), key="a-long-key")
    page = opened("about:blank")
    page.give_key("a-long-key")
    page.go(served.url)
    page.until("document.querySelector('#model').innerText.includes('fake')")
    page.key(" ", "Control")
    assert page.until(GHOST) == "keyed"
    assert page.asked_for_key == 1


def test_a_model_that_can_not_chat_says_what_to_load(nano: Served, browser: Browser) -> None:
    page = browser.page(nano.url + "/#/chat")
    page.until("document.querySelector('#turns .notice')?.innerText.includes('load a model')")
    page.type("hello")
    page.key("Enter")
    page.until("document.querySelector('[role=alert]')?.innerText.includes('load a model')")
    assert page.value("document.querySelector('#question').value") == "hello"
    assert all("400" in complaint for complaint in page.complaints)
    page.close()


def test_a_conversation_comes_in_parts_and_is_drawn(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    service = says(
        "Use **this**:\n\n", "```python\n", "def f():\n    pass\n", "```\n", "\n- `a`\n- [b](https://example.org)\n"
    )
    page = opened(served.url)
    page.key("2", "Alt")
    assert page.value("document.activeElement.id") == "question"
    page.value("document.querySelector('.system').open = true")
    page.click("#system")
    page.type("Be brief.")
    page.click("#question")
    page.type("How?")
    page.key("Enter", "Shift")
    page.type("Now.")
    page.click("#send")
    page.until("!document.querySelector('#send').hidden && document.querySelector('.said li')")
    said = "document.querySelector('.said')"
    assert page.value(f"{said}.querySelector('strong').textContent") == "this"
    assert page.value(f"{said}.querySelector('pre').textContent") == "def f():\n    pass"
    assert page.value(f"{said}.querySelectorAll('pre .keyword').length") == 2
    assert page.value(f"{said}.querySelector('a').rel") == "noopener noreferrer"
    assert "tokens/s" in page.text("#speed")
    turns = service.tickets[0].request.prompt.turns  # type: ignore[union-attr]
    assert [turn.text for turn in turns][-1].endswith("How?\nNow.") and "Be brief." in str(turns)
    page.value("navigator.clipboard.writeText = text => { window.copied = text; return Promise.resolve() }")
    page.click(".copy")
    page.until("document.querySelector('.copy').textContent == 'Copied'")
    assert page.value("window.copied") == "def f():\n    pass"
    page.click("#question")
    page.type("And?")
    page.key("Enter")
    page.until("!document.querySelector('#send').hidden && document.querySelectorAll('.said li').length == 4")
    assert len(service.tickets[1].request.prompt.turns) >= 3  # type: ignore[union-attr]
    page.click("#new-chat")
    assert page.value("document.querySelectorAll('.turn').length") == 0


def test_an_answer_is_stopped(served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]) -> None:
    service, page = says("again ", endless=True), opened(served.url + "/#/chat")
    service.gate.clear()
    page.type("go")
    page.key("Enter")
    assert eventually(lambda: len(service.tickets) == 1)

    def some_words() -> bool:  # the text may not stand at the gate yet when it is opened
        service.gate.set()
        service.gate.clear()
        return service.tickets[0].made > 0

    assert eventually(some_words)
    page.until("document.querySelector('.said')?.innerText.includes('again')")
    page.click("#stop")
    assert eventually(service.tickets[0].cancelled.is_set)
    page.until("document.querySelector('.turn:last-child').innerText.includes('Stopped')")
    assert page.value("!document.querySelector('#send').hidden")


def test_what_a_model_writes_is_inert(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    says(*HOSTILE)
    page = opened(served.url)
    page.value("document.querySelector('[name=rules]').click()")
    page.click("#add-file")
    page.value("document.querySelector('#prompt-part').open = true")
    page.type("x")
    assert page.until(GHOST).startswith("<img")
    page.key("Tab")
    page.until("document.querySelector('#prompt mark')")
    page.key("2", "Alt")
    page.type("".join(HOSTILE))
    page.key("Enter")
    page.until(
        "!document.querySelector('#send').hidden && document.querySelector('.said')?.innerText.includes('onerror')"
    )
    assert page.value("document.title") == "codegem"
    assert page.value("document.querySelectorAll('main img, main script').length") == 0
    links = page.value("[...document.querySelectorAll('.said a')].map(a => a.getAttribute('href'))")
    assert links == ["http://127.0.0.1:9/spy.png"]  # to be followed by a person, and not loaded


def test_the_policy_forbids_programs_and_markup_from_elsewhere(served: Served, browser: Browser) -> None:
    page = browser.page(served.url)
    assert page.complaints == []
    for attempt in (
        "document.body.innerHTML = '<b>x</b>'",
        "new Function('document.title = 1')()",
    ):
        assert (
            page.value(f"(() => {{ try {{ {attempt}; return 'ran' }} catch {{ return 'refused' }} }})()") == "refused"
        )
    page.value(
        "document.head.append(Object.assign(document.createElement('style'), {textContent: 'main {display: none}'}))"
    )
    assert page.value("getComputedStyle(document.querySelector('main')).display") == "flex"
    page.value("fetch('http://127.0.0.1:9/').catch(() => {})")
    assert any("Content Security Policy" in complaint for complaint in page.complaints)
    page.close()


def test_a_phone_has_nothing_to_scroll_sideways(
    served: Served, says: Callable[..., FakeService], opened: Callable[..., Page]
) -> None:
    says("`" + "wide" * 60 + "`\n\n```\n" + "x" * 200 + "\n```\n|a|b|\n|-|-|\n|" + "c" * 90 + "|d|\n")
    page = opened(served.url, width=360, height=740, phone=True)
    page.click("#ask-now")
    page.until(GHOST)
    assert page.value("document.documentElement.scrollWidth") == 360
    page.click("#accept")
    assert "widewide" in page.value(CODE)
    page.click("#help")
    page.click("#keys button")
    page.click("#tab-chat")
    page.click("#question")
    page.type("x" * 80)
    page.click("#send")
    page.until("document.querySelector('.said table')")
    assert page.value("document.documentElement.scrollWidth") == 360


def test_light_and_dark_follow_the_system_and_the_button(served: Served, opened: Callable[..., Page]) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    dark, light = (opened(served.url, dark=dark).value(ground) for dark in (True, False))
    assert dark != light
    page = opened(served.url)
    shown = []
    for _ in range(3):
        page.click("#theme")
        shown.append((page.value("document.documentElement.dataset.theme"), page.value(ground)))
    assert shown == [("light", light), ("dark", dark), ("auto", light)]
    page.click("#theme")
    page.click("#theme")
    page.go(served.url)
    assert page.value(ground) == dark  # it is remembered


def test_everything_has_a_name_and_can_be_reached_by_keys(served: Served, opened: Callable[..., Page]) -> None:
    page = opened(served.url)
    for view in ("fill", "chat"):
        page.value(f"document.querySelector('#tab-{view}').click()")
        tree = page.send("Accessibility.getFullAXTree")["nodes"]
        controls = ("button", "textbox", "tab", "checkbox", "spinbutton", "combobox", "option", "listbox")
        for one in tree:
            if one.get("role", {}).get("value") in controls and not one["ignored"]:
                assert one.get("name", {}).get("value"), one
    page.value("document.querySelector('#tab-chat').focus()")
    page.key("ArrowLeft")
    assert page.value("document.querySelector('#chat').hidden && document.activeElement.id == 'tab-fill'")
    page.key("?", "Shift")
    assert page.value("document.querySelector('#keys').open")
    page.key("Escape")
    assert not page.value("document.querySelector('#keys').open")
