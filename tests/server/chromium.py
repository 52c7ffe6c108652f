"""Chromium without a window, driven by its DevTools protocol through a pair of pipes: no driver, no port, no package.

The protocol: https://chromedevtools.github.io/devtools-protocol. Messages are JSON, each ended by a zero byte; the
browser reads them from its file 3 and writes to its file 4.
"""

import base64
import json
import os
import select
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = (
    "--headless", "--remote-debugging-pipe", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
    "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--mute-audio", "--hide-scrollbars", "--font-render-hinting=none", "--no-proxy-server",
)  # fmt: skip
# Name, code and number of keys that are not their own text.
_KEYS = {
    "Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38,
    "ArrowRight": 39, "ArrowDown": 40, "Backspace": 8, "Delete": 46,
}  # fmt: skip
MODIFIERS = {"Alt": 1, "Control": 2, "Meta": 4, "Shift": 8}


def find() -> str:
    """Where Chromium is; else the test is skipped."""
    for name in NAMES:
        if found := shutil.which(name):
            return found
    pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed (on Debian: apt-get install chromium)")


class Browser:
    """A running browser; `page` opens pages."""

    def __init__(self, folder: Path):
        flags = [*_FLAGS, f"--user-data-dir={folder}"] + (["--no-sandbox"] if os.geteuid() == 0 else [])
        inbound, self._out = os.pipe()
        self._in, outbound = os.pipe()
        errors = os.open(folder.with_suffix(".log"), os.O_WRONLY | os.O_CREAT, 0o600)
        moves = [(os.POSIX_SPAWN_DUP2, errors, fd) for fd in (1, 2)]
        moves += [(os.POSIX_SPAWN_DUP2, inbound, 3), (os.POSIX_SPAWN_DUP2, outbound, 4)]
        program = find()
        self._process = os.posix_spawn(
            program, [program, *flags, "about:blank"], os.environ, file_actions=moves, setpgroup=0
        )
        for fd in (inbound, outbound, errors):
            os.close(fd)
        self._number, self._begun = 0, b""
        self._answers: dict[int, dict[str, Any]] = {}
        self.pages: dict[str, Page] = {}

    def page(self, url: str, width: int = 1280, height: int = 800, dark: bool = False, phone: bool = False) -> "Page":
        """Open an address, in a profile of its own, and wait until it is loaded."""
        context = self.send("Target.createBrowserContext")["browserContextId"]
        target = self.send("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = self.pages[session] = Page(self, session, context)
        page.prepare(width, height, dark=dark, phone=phone)
        page.go(url)
        return page

    def send(self, method: str, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Ask the browser for something and wait for the answer."""
        number = self.tell(method, session, **parameters)
        until = time.monotonic() + 20
        while number not in self._answers:
            assert self.listen(until - time.monotonic()), f"the browser does not answer to {method}"
        answer = self._answers.pop(number)
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def tell(self, method: str, session: str | None = None, **parameters: Any) -> int:
        """Ask for something without waiting; gives the number that the answer will have."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": session} if session else {}
        os.write(self._out, json.dumps(message).encode() + b"\0")
        return self._number

    def listen(self, seconds: float) -> bool:
        """Take what the browser says next; False if it says nothing for so long."""
        if not select.select([self._in], [], [], max(0.0, seconds))[0]:
            return False
        read = os.read(self._in, 1 << 20)
        assert read, "the browser has ended"
        *messages, self._begun = (self._begun + read).split(b"\0")
        for message in map(json.loads, messages):
            if "id" in message:
                self._answers[message["id"]] = message
            elif page := self.pages.get(message.get("sessionId", "")):
                page.heard(message["method"], message["params"])
        return True

    def close(self) -> None:
        """End the browser and all that it started."""
        os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._in)
        os.close(self._out)


class Page:
    """A page of the browser.

    Attributes:
        complaints: what the browser complained of: errors of scripts, violations of the page's policy, failed loads.
        asked_for_key: how often the browser would have asked its person for a password; `give_key` says which.
    """

    def __init__(self, browser: Browser, session: str, context: str):
        self.browser, self.session, self.context = browser, session, context
        self.complaints: list[str] = []
        self.asked_for_key, self.key_to_give = 0, ""
        self._is_loaded = False

    def send(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self.browser.send(method, self.session, **parameters)

    def heard(self, method: str, said: dict[str, Any]) -> None:
        """Something happened on the page."""
        if method == "Page.loadEventFired":
            self._is_loaded = True
        elif method == "Fetch.requestPaused":
            self.browser.tell("Fetch.continueRequest", self.session, requestId=said["requestId"])
        elif method == "Fetch.authRequired":
            self.asked_for_key += 1
            answer = {"response": "ProvideCredentials", "username": "me", "password": self.key_to_give}
            self.browser.tell(
                "Fetch.continueWithAuth", self.session, requestId=said["requestId"], authChallengeResponse=answer
            )
        elif method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and said["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(one.get("value", one.get("description"))) for one in said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] in ("error", "warning"):
            self.complaints.append(said["entry"]["text"] + " " + said["entry"].get("url", ""))

    def prepare(self, width: int, height: int, dark: bool, phone: bool) -> None:
        for domain in ("Page", "Runtime", "Log"):
            self.send(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send("Emulation.setEmulatedMedia", features=[scheme])
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
        self.send("Emulation.setDeviceMetricsOverride", **metrics)
        if phone:
            self.send("Emulation.setTouchEmulationEnabled", enabled=True)
        self.send("Emulation.setFocusEmulationEnabled", enabled=True)

    def give_key(self, key: str) -> None:
        """What a person would type when the browser asks for a password."""
        self.key_to_give = key
        self.send("Fetch.enable", handleAuthRequests=True)

    def go(self, url: str) -> None:
        self._is_loaded = False
        self.send("Page.navigate", url=url)
        until = time.monotonic() + 20
        while not self._is_loaded:
            assert self.browser.listen(until - time.monotonic()), f"{url} is not loaded"

    def value(self, expression: str) -> Any:
        """What an expression of JavaScript gives; promises are waited for."""
        how = {"returnByValue": True, "awaitPromise": True, "allowUnsafeEvalBlockedByCSP": False}
        given = self.send("Runtime.evaluate", expression=expression, **how)
        assert "exceptionDetails" not in given, given["exceptionDetails"]
        return given["result"].get("value")

    def until(self, expression: str, seconds: float = 10.0) -> Any:
        """Wait until an expression is true."""
        end = time.monotonic() + seconds
        while True:
            found = self.value(expression)
            if found not in (None, False, "", 0):  # an element is {}
                return found
            assert time.monotonic() < end, f"never true: {expression}; the page says: {self.text('body')[:1500]}"
            time.sleep(0.01)

    def text(self, selector: str) -> str:
        """What an element shows."""
        return self.value(f"document.querySelector({json.dumps(selector)})?.innerText ?? ''")

    def key(self, key: str, *modifiers: str) -> None:
        """Press and release a key."""
        bits = sum(MODIFIERS[name] for name in modifiers)
        plain = len(key) == 1 and not bits & ~MODIFIERS["Shift"]
        text = "\r" if key == "Enter" else key if plain else ""
        code = "Space" if key == " " else "Backslash" if key == "\\" else f"Digit{key}" if key.isdigit() else key
        number = _KEYS.get(key) or (ord(key.upper()) if key.isalnum() and key.isascii() else 0)
        parts = {"key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": bits}
        self.send("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **parts)
        self.send("Input.dispatchKeyEvent", type="keyUp", **parts)

    def type(self, text: str) -> None:
        """Type a text, key by key."""
        for character in text:
            self.key("Enter" if character == "\n" else character)

    def click(self, selector: str) -> None:
        """Press the mouse in the middle of an element."""
        self.press(*self._middle(selector))

    def tap(self, selector: str) -> None:
        """Touch the middle of an element."""
        x, y = self._middle(selector)
        self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def _middle(self, selector: str) -> tuple[float, float]:
        x, y = self.value(
            f"(e => {{ e.scrollIntoView({{block: 'nearest'}}); const b = e.getBoundingClientRect();"
            f"return [b.x + b.width / 2, b.y + b.height / 2] }})(document.querySelector({json.dumps(selector)}))"
        )
        return x, y

    def press(self, x: float, y: float) -> None:
        """Press the mouse at a place."""
        self.send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def picture(self, file: Path) -> None:
        """Save what the page looks like."""
        file.write_bytes(base64.b64decode(self.send("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        self.browser.pages.pop(self.session, None)
        self.browser.send("Target.disposeBrowserContext", browserContextId=self.context)
