"""The benchmarks by name."""

from collections.abc import Sequence
from pathlib import Path

from codegem.errors import UsageError
from codegem.evaluation.sources import FILES, converted_files, files_of
from codegem.evaluation.task import Benchmark

NAMES = tuple(FILES)
LANGUAGES = ("cpp", "csharp", "go", "java", "javascript", "kotlin", "python", "rust")


def load(name: str, data: Path | None = None, groups: Sequence[str] = ()) -> Benchmark:
    """A benchmark, read from its data.

    Args:
        name: one of `NAMES`.
        data: a file or folder; by default the user's cache, and the public source where it is not there.
        groups: splits of infilling or languages of BabelCode; all by default.

    Raises:
        UserError: its data is not at hand, or damaged.
        UsageError: there is no such benchmark.
    """
    if name not in FILES:
        raise UsageError(f"There is no benchmark {name!r}; the benchmarks are {', '.join(NAMES)}.")
    if unknown := [group for group in groups if group not in parts(name)]:
        known = f"it has {', '.join(parts(name))}" if parts(name) else "it has no parts"
        raise UsageError(f"{name} has no {unknown[0]!r}; {known}.")
    if name == "humaneval":
        from codegem.evaluation import humaneval

        return humaneval.load(files_of(name, data)["problems"])
    if name == "infilling":
        from codegem.evaluation import infilling

        return infilling.load(files_of(name, data, tuple(groups)))
    if name == "mbpp":
        from codegem.evaluation import mbpp

        return mbpp.load(files_of(name, data)["problems"])
    from codegem.evaluation.babelcode import benchmark

    if converted := converted_files(name, data):
        return benchmark.load(name, converted["questions"], converted["prompts"], groups)
    files = files_of(name, data)
    return benchmark.load_public(name, files["questions"], files.get("corrections"), groups)


def parts(name: str) -> tuple[str, ...]:
    """The splits or languages of a benchmark; none of one that is a single list.

    >>> parts("infilling")[0], parts("mbpp")
    ('single-line', ())
    """
    if name == "infilling":
        return tuple(FILES[name])
    return LANGUAGES if name.startswith("bc-") else ()
