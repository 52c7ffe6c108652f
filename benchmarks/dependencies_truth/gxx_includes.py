"""C and C++: each file's own `#include` directives, resolved by g++ alone.

`g++ -MM` lists everything that a file reaches, and `-H` leaves out a header whose guard is already set, so neither
gives direct edges. Here each file, headers too, is preprocessed by itself with `-dI`, which keeps the directives that
were obeyed; a directive that was skipped because of a guard is resolved by `-M -H` in a translation unit of one line.
Directives in branches that this system does not take are resolved in the same way, and are kept apart.
"""

import re
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from dependencies_truth import Edge, Truth

EXTENSIONS = (".c", ".h", ".cc", ".cpp", ".cxx", ".hh", ".hpp", ".hxx")
_DIRECTIVE = re.compile(r'^[ \t]*#[ \t]*(?:include|include_next|import)[ \t]*([<"])([^>"\n]+)[>"]', re.MULTILINE)
_MARKER = re.compile(r'^# \d+ "((?:[^"\\]|\\.)*)"((?: \d)*)$')
_MISSING = re.compile(r"fatal error: ([^:\n]+): No such file or directory")
_OTHER_BRANCH = "g++ resolves the directive, in a branch that this system does not take"
_OTHER_FOLDERS = "g++ resolves the directive, with the folders that another system's build file names"
_STUBS = 60  # how many absent headers of one file are replaced by empty ones before it is given up


@dataclass
class _Preprocessor:
    root: Path
    scratch: Path
    flags: list[str]
    resolved: dict[tuple[Path, str], str | None] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ["g++", *arguments], cwd=self.scratch, capture_output=True, timeout=100, stdin=subprocess.DEVNULL
        )
        out, err = (data.decode("utf-8", "replace") for data in (done.stdout, done.stderr))
        return subprocess.CompletedProcess(done.args, done.returncode, out, err)

    def obeyed(self, path: Path, dialect: str) -> list[str]:
        """The directives of a file that this system obeys, as `"x.h"` or `<x.h>`."""
        stubs = self.scratch / "stubs"
        flags = [*self.flags, "-idirafter", str(stubs), "-x", dialect]
        for _ in range(_STUBS):
            done = self.run("-E", "-dI", *flags, str(path))
            absent = _MISSING.search(done.stderr)
            if absent is None:
                return _own_directives(done.stdout, str(path))
            name = absent[1].lstrip("/")
            stub = (stubs / name).resolve()
            if not stub.is_relative_to(stubs.resolve()) or stub.exists():
                return _own_directives(done.stdout, str(path))
            stub.parent.mkdir(parents=True, exist_ok=True)
            stub.touch()
        return _own_directives(done.stdout, str(path))

    def written(self, path: Path) -> list[str]:
        """Every directive of a file, whatever its branch, by g++'s own reading of comments."""
        done = self.run("-fpreprocessed", "-dD", "-E", "-P", "-x", "c++", str(path))
        return [_spelled(mark, name) for mark, name in _DIRECTIVE.findall(done.stdout)]

    def resolve(self, directive: str, folder: Path, dialect: str) -> str | None:
        """The file in the repository that a directive in a file of `folder` names."""
        if (folder, directive) not in self.resolved:
            probe = self.scratch / "probe" / "probe.h"
            probe.parent.mkdir(exist_ok=True)
            probe.write_text(f"#include {directive}\n")
            done = self.run("-M", "-MG", "-H", "-iquote", str(folder), *self.flags, "-x", dialect, str(probe))
            first = next((line[2:] for line in done.stderr.splitlines() if line.startswith(". ")), None)
            self.resolved[folder, directive] = self._inside(first)
        return self.resolved[folder, directive]

    def _inside(self, path: str | None) -> str | None:
        if path is None:
            return None
        absolute = (self.scratch / path).resolve()
        return absolute.relative_to(self.root).as_posix() if absolute.is_relative_to(self.root) else None


def truths(
    root: Path, folders: tuple[str, ...], defines: tuple[str, ...], headers: str, elsewhere: tuple[str, ...] = ()
) -> dict[str, Truth]:
    """The direct includes between the files under `root`, by two readings.

    - `g++, this system`: the directives that g++ obeys here, with these macros: what `-MM` counts;
    - `g++, every branch`: also those in branches for other systems and settings.

    Args:
        root: the repository.
        folders: where its build looks for headers.
        defines: macros that its build sets, as `NAME` or `NAME=VALUE`.
        headers: `c` or `c++`: what a `.h` file is written in.
        elsewhere: folders that its build files for other systems add.
    """
    root = root.resolve()
    flags = [f"-I{root / folder}" for folder in folders] + [f"-D{name}" for name in defines]
    files = sorted(path for path in root.rglob("*") if path.suffix in EXTENSIONS and path.is_file())
    edges: set[Edge] = set()
    beyond: dict[Edge, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        reader = _Preprocessor(root, Path(folder), flags)
        other = _Preprocessor(root, Path(folder), flags + [f"-I{root / each}" for each in elsewhere])
        for path in files:
            dialect = {".c": "c", ".h": headers}.get(path.suffix, "c++")
            importer = path.relative_to(root).as_posix()
            for directive in reader.obeyed(path, dialect):
                if imported := reader.resolve(directive, path.parent, dialect):
                    edges.add((importer, imported))
            for directive in reader.written(path):
                if imported := reader.resolve(directive, path.parent, dialect):
                    beyond[importer, imported] = _OTHER_BRANCH
                elif imported := other.resolve(directive, path.parent, dialect):
                    beyond[importer, imported] = _OTHER_FOLDERS
    names = frozenset(path.relative_to(root).as_posix() for path in files)
    here = frozenset(edge for edge in edges if edge[1] in names and edge[0] != edge[1])
    others = {edge: why for edge, why in beyond.items() if edge not in here and edge[1] in names and edge[0] != edge[1]}
    return {
        "g++, this system": Truth(here, names, others),
        "g++, every branch": Truth(
            here | frozenset(edge for edge, why in others.items() if why == _OTHER_BRANCH),
            names,
            {edge: why for edge, why in others.items() if why == _OTHER_FOLDERS},
        ),
    }


def _own_directives(text: str, path: str) -> list[str]:
    """The directives that stand in `path` itself, in the output of `-E -dI`."""
    found, depth = [], 0
    inside = False
    for line in text.splitlines():
        if marker := _MARKER.match(line):
            flags = marker[2].split()
            depth += ("1" in flags) - ("2" in flags)
            inside = marker[1] == path and depth <= 0
        elif inside and (directive := _DIRECTIVE.match(line)):
            found.append(_spelled(*directive.groups()))
    return found


def _spelled(mark: str, name: str) -> str:
    return f'"{name}"' if mark == '"' else f"<{name}>"
