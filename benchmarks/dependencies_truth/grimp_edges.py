"""Python: every `import` statement, read and resolved by grimp.

grimp is run in a process of its own, because it finds packages on `sys.path`: a package that this process has
already imported would hide the repository's copy.
"""

import json
import subprocess
import sys
from pathlib import Path

from dependencies_truth import Truth


def truth(root: Path) -> Truth:
    """The edges between the modules of the packages in `root`, `src` and `lib`; tests too, where they are packages."""
    command = [sys.executable, "-m", "dependencies_truth.grimp_edges", str(root.resolve())]
    above = Path(__file__).parents[1]
    done = subprocess.run(command, cwd=above, capture_output=True, text=True, check=True, timeout=600)
    found = json.loads(done.stdout)
    return Truth(frozenset((a, b) for a, b in found["edges"]), frozenset(found["files"]))


def _packages(root: Path) -> dict[str, Path]:
    """Top-level packages by name, and the folder each stands in."""
    folders = [folder for folder in (root / "src", root / "lib", root) if folder.is_dir()]
    return {init.parent.name: folder for folder in folders for init in sorted(folder.glob("*/__init__.py"))}


def _main(root: Path) -> None:
    import grimp

    packages = _packages(root)
    for folder in {str(folder): None for folder in packages.values()}:
        sys.path.insert(0, folder)
    graph = grimp.build_graph(*packages, cache_dir=None)
    paths = {}
    for module in graph.modules:
        stem = packages[module.split(".")[0]].joinpath(*module.split("."))
        for path in (stem.with_name(stem.name + ".py"), stem / "__init__.py"):
            if path.is_file():
                paths[module] = path.relative_to(root).as_posix()
                break
    edges = [
        (paths[importer], paths[imported])
        for importer in sorted(paths)
        for imported in sorted(graph.find_modules_directly_imported_by(importer))
        if imported in paths and imported != importer
    ]
    json.dump({"edges": edges, "files": sorted(paths.values())}, sys.stdout)


if __name__ == "__main__":
    _main(Path(sys.argv[1]))
