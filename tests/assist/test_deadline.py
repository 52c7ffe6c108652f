import threading

from codegem.assist.deadline import Bounded


def test_an_answer_in_time() -> None:
    double: Bounded[int, int] = Bounded("double", lambda question: 2 * question)
    for question in range(3):
        job = double.start(question)
        assert job and job.wait(10) == 2 * question
    double.end()
    assert double.start(4) is None


def test_work_that_hangs_costs_nobody_else_time() -> None:
    release = threading.Event()
    slow: Bounded[int, bool] = Bounded("slow", lambda question: release.wait(20))
    job = slow.start(1)
    assert job and job.wait(0.0) is None
    assert slow.start(2) is None
    release.set()
    assert job.wait(10) is True
    again = slow.start(3)
    assert again and again.wait(10)
    slow.end()


def test_work_that_raises_goes_on_with_the_next_question() -> None:
    inverse: Bounded[int, float] = Bounded("inverse", lambda question: 1 / question)
    job = inverse.start(0)
    assert job and job.wait(10) is None and job.done.is_set() and inverse.failures == 1
    job = inverse.start(2)
    assert job and job.wait(10) == 0.5
    inverse.end()
