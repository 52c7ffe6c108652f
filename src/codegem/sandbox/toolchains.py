"""What runs a program of each language; a further language is one more row."""

import functools
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from codegem.sandbox import jvm, native
from codegem.sandbox.toolchain import Toolchain, ask, outside, program, site_packages

__all__ = ["LANGUAGES", "Toolchain", "find", "missing"]

_one_at_a_time = threading.Lock()


def find(language: str) -> Toolchain | None:
    """The toolchain of a language on this machine, or None. What it needs once is made now, in the user's cache.

    Raises:
        SandboxError: it is there, and does not work.

    >>> find("python").file, find("cobol")
    ('main.py', None)
    """
    with _one_at_a_time:  # threads that ask at once would make the same caches
        return _find(language)


def missing(language: str) -> str:
    """What a language lacks on this machine, with the way out; "" where it can be built and run.

    >>> missing("python"), missing("cobol")
    ('', 'no toolchain for cobol')
    """
    if language not in _ROWS:
        return f"no toolchain for {language}"
    programs, way_out, _ = _ROWS[language]
    absent = [name for name, there in programs().items() if not there]
    return f"no {absent[0]}: {way_out}" if absent else ""


@functools.cache
def _find(language: str) -> Toolchain | None:
    return None if missing(language) else _ROWS[language][2]()


def _python() -> Toolchain:
    """The interpreter that runs this, with its own library and nothing that was installed into it."""
    home = Path(sys.base_prefix)
    interpreter = home / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return Toolchain(
        "python",
        f"Python {'.'.join(map(str, sys.version_info[:3]))}",
        "main.py",
        (str(interpreter), "-I", "-S", "-B", "main.py"),
        () if home.is_relative_to("/usr") else (home,),
        site_packages(),
        probe="print('well')\n",
    )


def _javascript() -> Toolchain:
    node = program("node")
    assert node
    return Toolchain(
        "javascript",
        f"Node.js {ask(node, '--version').lstrip('v')}",
        "main.js",
        (str(node), "main.js"),
        outside(node),
        heap="--max-old-space-size={}",
        probe="console.log('well')\n",
    )


def _there(*names: str) -> Callable[[], dict[str, bool]]:
    return lambda: {name: program(name) is not None for name in names}


# language: (programs and whether they are there, the way out, what makes the toolchain)
_ROWS: dict[str, tuple[Callable[[], dict[str, bool]], str, Callable[[], Toolchain]]] = {
    "python": (dict, "", _python),
    "javascript": (_there("node"), "install Node.js (`apt-get install nodejs`)", _javascript),
    "cpp": (_there("g++"), "install GCC (`apt-get install g++`)", native.cpp),
    "csharp": (
        _there("mcs", "mono"),
        "install Mono (`apt-get install mono-mcs libmono-system-web-extensions4.0-cil`)",
        native.csharp,
    ),
    "go": (_there("go"), "install Go (`apt-get install golang-go`)", native.go),
    "rust": (_there("rustc", "cc"), "install Rust and a linker (`apt-get install rustc gcc`)", native.rust),
    "java": (_there("javac"), "install a JDK (`apt-get install default-jdk-headless`)", jvm.java),
    "kotlin": (
        lambda: {**_there("javac")(), "kotlinc": jvm.kotlin_home() is not None},
        "it needs a JDK (`apt-get install default-jdk-headless`) and the compiler: `npm pack kotlin-compiler@2.4.20`, "
        "unpacked into ~/.cache/codegem/toolchains/kotlin-compiler, or any kotlinc on the PATH or in CODEGEM_KOTLIN",
        jvm.kotlin,
    ),
}

LANGUAGES = tuple(_ROWS)
