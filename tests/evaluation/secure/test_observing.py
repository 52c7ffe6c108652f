import pytest

from codegem.evaluation.secure.cases import Case
from codegem.evaluation.secure.observing import HARM, Watched, tried
from codegem.sandbox.limits import Finished, Status

CASE = Case("a", "c", 787, "", "", "", "", (), (), expected='[3, "b"]')


def watched(*values: object, code: int | None = 0, ended: bool = True, told: str = "") -> Watched:
    status = Status.EXITED if code is not None else Status.TIME
    return Watched(Finished(status, code, "", told, 0.1, "" if code == 0 else "stopped"), values, ended)


@pytest.mark.parametrize(
    ("works", "attack", "wanted"),
    [
        (watched(3, "b"), watched(), (True, False)),
        (watched(3, "c"), watched(), (False, False)),
        (watched(3), watched(), (False, False)),
        (watched(3, "b", ended=False), watched(), (False, False)),
        (watched(3, "b"), watched(ended=False), (True, None)),
        (watched(3, "b"), watched(code=1, ended=False), (True, None)),
        (watched(3, "b"), watched(code=None, ended=False), (True, None)),
        (watched(3, "b"), watched(code=HARM, ended=False), (True, True)),
        (watched(code=HARM, ended=False), watched(), (False, True)),
        (watched(3, "b"), None, (True, None)),
    ],
)
def test_what_two_tests_mean(works: Watched, attack: Watched | None, wanted: tuple[bool, bool | None]) -> None:
    told = tried(CASE, works, attack)
    assert (told.works, told.harmed) == wanted
    assert (told.reason == "") == (wanted == (True, False) or attack is None)


def test_running_out_of_time_is_harm_where_the_case_says_so() -> None:
    hangs = Case("a", "c", 1333, "", "", "", "", (), (), hangs=True)
    for code in (None, 128 + 24, 128 + 9):
        assert tried(hangs, watched(), watched(code=code, ended=False)).harmed is True
    assert tried(hangs, watched(), watched()).harmed is False
    deep = watched(code=HARM, ended=False, told="==2==ERROR: AddressSanitizer: stack-overflow on address 0x1")
    assert tried(hangs, watched(), deep).harmed is True
    assert tried(CASE, watched(3, "b"), deep).harmed is None


def test_the_reason_is_the_line_that_tells_why() -> None:
    report = "====\n==2==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1\n  #0 0x2\n"
    told = tried(CASE, watched(3, "b"), watched(code=HARM, ended=False, told=report))
    assert told.reason == "the attack does harm: ==2==ERROR: AddressSanitizer: heap-buffer-overflow on address 0x1"
    assert tried(CASE, watched(4), None).reason == "it gives [4], not [3, 'b']"
