"""How long one language's programs take to be built and run in the sandbox, two at a time.

    python benchmarks/sandbox_speed.py [LANGUAGE ...] [--programs 161] [--workers 2]

The programs are as long as BabelCode's: a solution, a driver and six calls (`sandbox_programs/`). Each differs from
the others, so that nothing is built once for all. What toolchains make once for a user is made before the clock runs.
"""

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from codegem.sandbox.programs import Ran, run_programs
from codegem.sandbox.toolchains import LANGUAGES, find, missing

PROGRAMS = Path(__file__).with_name("sandbox_programs")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("languages", nargs="*", default=LANGUAGES)
    parser.add_argument("--programs", type=int, default=161)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    print(f"{'language':<12}{'toolchain':<34}{'passed':>8}{'seconds':>9}{'each, built + ran':>22}")
    for language in options.languages:
        if why := missing(language):
            print(f"{language:<12}{why}")
            continue
        toolchain = find(language)
        assert toolchain
        run_programs(toolchain, [toolchain.probe])
        text = (PROGRAMS / toolchain.file).read_text()
        sources = [text.replace("SALT", f"{number:08x}") for number in range(options.programs)]
        # Small groups towards the end would keep both workers busy; equal ones do, since programs are alike.
        size = min(toolchain.batch, -(-len(sources) // options.workers))
        groups = [sources[start : start + size] for start in range(0, len(sources), size)]
        started = time.monotonic()
        with ThreadPoolExecutor(options.workers) as pool:
            done = [one for group in pool.map(partial(run_programs, toolchain), groups) for one in group]
        seconds = time.monotonic() - started
        passed = sum(_is_right(one, number) for number, one in enumerate(done))
        built = sum(one.built.seconds for one in done if one.built) / len(done)
        ran = sum(one.ran.seconds for one in done if one.ran) / len(done)
        print(
            f"{language:<12}{toolchain.version:<34}{passed:>8}{seconds:>9.1f}{built:>14.2f} +{ran:>5.2f} s", flush=True
        )


def _is_right(one: Ran, number: int) -> bool:
    return one.ran is not None and one.ran.passed and one.ran.stdout.count(f"{number:08x} ") == 6


if __name__ == "__main__":
    main()
