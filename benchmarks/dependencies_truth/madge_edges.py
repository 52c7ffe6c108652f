"""JavaScript and TypeScript: ES modules, `require`, dynamic and type-only imports, resolved by madge."""

import json
import subprocess
import tempfile
from pathlib import Path

from dependencies_truth import Truth

EXTENSIONS = ("js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "cts")
# By default madge leaves out `require` in a file with ES imports. Type-only imports are counted by default; the
# options say so again, because the comparison rests on it.
_RC = {
    "fileExtensions": list(EXTENSIONS),
    "detectiveOptions": {
        "es6": {"mixedImports": True},
        "ts": {"mixedImports": True, "skipTypeImports": False},
        "tsx": {"mixedImports": True, "skipTypeImports": False},
    },
}
_COMPILER = {"moduleResolution": "bundler", "module": "esnext", "allowJs": True, "jsx": "preserve"}


def truth(root: Path, madge: Path, options: dict | None) -> Truth:
    """The edges between the files under `root`.

    Args:
        root: the repository.
        madge: the folder in which `npm install --ignore-scripts madge` was run.
        options: what the project's own `tsconfig.json` says of resolution, where its package leaves that file out.
            None in a JavaScript project: with any `tsconfig.json` madge takes `x.d.ts` for a required `x.js`.
    """
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, ".madgerc").write_text(json.dumps(_RC))
        command = ["node", str(madge / "node_modules/madge/bin/cli.js"), "--json", "--no-spinner"]
        command += ["--extensions", ",".join(EXTENSIONS), "--basedir", str(root), str(root)]
        if options is not None:
            config = Path(folder, "tsconfig.json")
            config.write_text(json.dumps({"compilerOptions": _COMPILER | {"baseUrl": str(root)} | options}))
            command += ["--ts-config", str(config)]
        # madge ends before a pipe has taken all that it printed; a file takes it at once.
        listing = Path(folder, "graph.json")
        with listing.open("w") as output:
            done = subprocess.run(command, cwd=folder, stdout=output, stderr=subprocess.PIPE, text=True, timeout=900)
        if done.returncode != 0:
            raise RuntimeError(f"madge failed on {root}: {done.stderr[-2000:]}")
        graph = json.loads(listing.read_text(encoding="utf-8"))
    files = frozenset(path for path in graph if path.endswith(tuple(f".{name}" for name in EXTENSIONS)))
    edges = {(a, b) for a in files for b in graph[a] if b in files and a != b}
    return Truth(frozenset(edges), files)
