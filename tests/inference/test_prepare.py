"""What is compiled ahead is what texts then need."""

from collections.abc import Callable
from functools import partial

import pytest

from codegem.generate import Request, outputs
from codegem.inference import pieces, programs
from codegem.inference.engine import Engine
from codegem.inference.sampling import Greedy
from codegem.inference.service import Service


def test_prepared_texts_compile_nothing(make: Callable[..., Engine], monkeypatch: pytest.MonkeyPatch):
    for name, sizes in {"SMALL": (1,), "LARGE": (32,), "BESIDE": (1, 32), "ROWS": (1, 2)}.items():
        monkeypatch.setattr(pieces, name, sizes)
    monkeypatch.setattr(pieces, "SMALLEST_CAPACITY", 128)
    engine = make()
    jobs = [job for job in engine.scheduler(interactive=True).preparations(96) if isinstance(job, partial)]
    for job in jobs:
        if isinstance(job.args[1], Greedy | int):  # how tokens are drawn takes a compiler long
            job()
    used = engine.shared.programs._choose, engine.shared.programs._steps, programs._join
    before = [program._cache_size() for program in used]  # type: ignore[attr-defined]
    service = Service(engine)
    requests = [Request("abcdefg"[at] * (3 + 9 * at), 8) for at in range(7)]
    list(outputs(service, requests))
    for request in requests:
        list(outputs(service, [request]))
    service.close()
    assert [program._cache_size() for program in used] == before  # type: ignore[attr-defined]
    assert any(not isinstance(job.args[1], Greedy | int) for job in jobs)


def test_a_large_model_is_not_prepared(make: Callable[..., Engine]):
    engine = make()
    engine.shared.stride = 1
    assert not list(engine.scheduler(interactive=True).preparations(96))


def test_warming_ends_with_the_service(make: Callable[..., Engine]):
    service = Service(make())
    service.engine.shared.stride = 1
    service.warm()
    service.warm()
    service.close()
