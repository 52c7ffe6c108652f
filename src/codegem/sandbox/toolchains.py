"""What runs a program of each language; a further language is one more row."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Toolchain:
    """How to run a program of one file.

    Attributes:
        file: the name that the program gets.
        command: what runs that file, in the folder where it lies.
        read_only: what the sandbox has to show besides /usr.
    """

    file: str
    command: tuple[str, ...]
    read_only: tuple[Path, ...] = ()


def find(language: str) -> Toolchain | None:
    """The toolchain of a language on this machine, or None.

    >>> find("python").file, find("cobol")
    ('main.py', None)
    """
    row = _TOOLCHAINS.get(language)
    return row() if row else None


def _python() -> Toolchain:
    """The interpreter that runs this, with its own library and nothing that was installed into it."""
    home = Path(sys.base_prefix)
    program = home / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    outside = () if home.is_relative_to("/usr") else (home,)
    return Toolchain("main.py", (str(program), "-I", "-S", "-B", "main.py"), outside)


def _javascript() -> Toolchain | None:
    program = shutil.which("node", path="/usr/local/bin:/usr/bin")
    return Toolchain("main.js", (program, "main.js")) if program else None


_TOOLCHAINS: dict[str, Callable[[], Toolchain | None]] = {"python": _python, "javascript": _javascript}
