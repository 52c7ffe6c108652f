"""Every endpoint asked with what its schema allows, and with what it does not: no answer may be a server's error.

    python benchmarks/schemas.py [--examples 100] [--seed 1] [--url http://127.0.0.1:8012]

schemathesis makes the requests from the server's own OpenAPI document; without --url a server of nano is started. Of
each answer it is checked that its status is below 500, that its type is declared, and that its body fits the schema.
"""

import argparse
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, response_schema_conformance

CHECKS = (not_a_server_error, content_type_conformance, response_schema_conformance)


def run(url: str, examples: int, number: int) -> tuple[Counter[tuple[str, int]], list[str]]:
    """Ask every endpoint.

    Returns:
        How many answers had each status, by path; and what is wrong, with the request that shows it.
    """
    loaded = schemathesis.openapi.from_url(f"{url}/openapi.json")
    found: Counter[tuple[str, int]] = Counter()
    wrong: list[str] = []
    for one in loaded.get_all_operations():
        operation = one.ok()

        @seed(number)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy() | _wrong(operation))
        def ask(case: schemathesis.Case) -> None:
            response = case.call(timeout=60)
            found[case.path, response.status_code] += 1
            case.validate_response(response, checks=list(CHECKS))

        try:
            ask()
        except BaseExceptionGroup as failures:
            wrong += [f"{operation.label}: {failure}" for failure in failures.exceptions]
    return found, wrong


def _wrong(operation):
    """Requests that the schema does not allow."""
    return operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)


@contextmanager
def served() -> Iterator[str]:
    """nano behind a server."""
    import codegem
    from codegem.assist.acceptance import Acceptance
    from codegem.inference.service import Service
    from codegem.server.app import create_app
    from codegem.server.metrics import Metrics
    from codegem.server.running import Server, bind

    service = Service(codegem.load("nano").engine)
    server = Server(create_app(service, name="nano", metrics=Metrics(), acceptance=Acceptance()))
    socket = bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, args=([socket],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{socket.getsockname()[1]}"
    finally:
        server.end()
        thread.join()
        service.close()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--examples", type=int, default=100, help="requests for each endpoint")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="of a server that runs already")
    asked = parser.parse_args()
    started = time.perf_counter()
    with nullcontext(asked.url) if asked.url else served() as url:
        found, wrong = run(url, asked.examples, asked.seed)
    statuses: dict[str, Counter[int]] = {}
    for (path, status), count in found.items():
        statuses.setdefault(path, Counter())[status] += count
    for path, counts in sorted(statuses.items()):
        print(f"{path:32}", *(f"{status}: {count}" for status, count in sorted(counts.items())))
    print(*wrong, sep="\n\n")
    failed = sum(count for (_, status), count in found.items() if status >= 500)
    seconds = time.perf_counter() - started
    print(f"{sum(found.values())} requests in {seconds:.0f} s; {failed} answered with 5xx, {len(wrong)} things wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
