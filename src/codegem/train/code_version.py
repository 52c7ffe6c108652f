"""Which code this is, for the record: the release, and the commit where it runs from a checkout."""

import os
import subprocess
from functools import cache
from pathlib import Path

from codegem import __version__

_PACKAGE = Path(__file__).parents[1]


@cache
def code_version() -> str:
    """The release alone where codegem was installed; else with `git describe`, which ends in -dirty after changes.

    >>> code_version()      # doctest: +SKIP
    '0.1.0 (cde6451-dirty)'
    """
    # The folder of an installed package may lie inside somebody else's repository, which does not track it.
    if _git("ls-files", "--error-unmatch", "__init__.py") is None:
        return __version__
    commit = _git("describe", "--always", "--tags", "--dirty")
    return f"{__version__} ({commit})" if commit else __version__


def _git(*words: str) -> str | None:
    """What git says about the package's folder; None without git, or outside of a repository."""
    environment = os.environ | {"GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            ["git", "-C", str(_PACKAGE), *words],
            env=environment,
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
