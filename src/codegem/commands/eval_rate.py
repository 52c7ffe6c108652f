"""`codegem eval rate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import Positional

from codegem.commands.arguments import parse
from codegem.errors import UserError

if TYPE_CHECKING:
    from codegem.evaluation.content.ratings import Ratings

PORT = 8013


def eval_rate(words: list[str]) -> None:
    """`codegem eval rate`."""

    def run(
        run_a: Positional[Path],
        run_b: Positional[Path | None] = None,
        /,
        raters: tuple[str, ...] = (),
        limit: int | None = None,
        seed: int = 0,
        out: Path | None = None,
        host: str = "127.0.0.1",
        port: int = PORT,
        key_file: Path | None = None,
    ) -> None:
        """A page on which people rate answers, blind: codegem eval rate evaluations/content-nano

        With two runs of the same requests their answers stand side by side: codegem eval rate RUN_A RUN_B
        Ctrl-C ends it, and writes what the ratings come to into the report of the first run. The same command goes on.

        Args:
            run_a: a folder of codegem eval content.
            run_b: another, whose answers stand beside those of the first.
            raters: names of those who rate; default whoever gives a name.
            limit: rate so many requests, drawn by chance.
            seed: decides what is drawn and in which order each rater sees it.
            out: the folder of the ratings. Default ratings or ratings-RUN_B in the first run.
            host: beyond 127.0.0.1 a key is wanted, of --key-file or of the environment variable CODEGEM_API_KEY; so
                that a phone in the same network reaches the page.
            port: 0 takes a free one.
            key_file: holds the key that browsers ask for as a password.
        """
        from codegem.evaluation.content.session import session
        from codegem.evaluation.findings import FILE, summary
        from codegem.server import security

        key = security.read_key(key_file)
        security.require_key(host, key)
        if not 0 <= port < 1 << 16:
            raise UserError(f"The port is {port}; it must be from 0 to {(1 << 16) - 1}.")
        runs = [run_a, *([run_b] if run_b else [])]
        with session(runs, out=out, raters=raters or None, limit=limit, seed=seed) as opened:
            _serve(opened.ratings, host, port, key)
            found = opened.write()
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
        print(f"{summary(found)}\n{opened.folder / FILE}")

    parse(run, "eval rate", words)


def _serve(ratings: "Ratings", host: str, port: int, key: str) -> None:
    """Serve the page until somebody ends it."""
    from codegem.commands.serve import address
    from codegem.server.rating import create_app
    from codegem.server.running import Server, bind

    with bind(host, port) as listening:
        url = address(host, listening.getsockname()[1])
        items = f"{len(ratings.items):,} requests, {len(ratings.all):,} ratings so far"
        print(f"Rate at {url}/{' with a key' if key else ''} ({items}); Ctrl-C ends it.", flush=True)
        Server(create_app(ratings, key=key)).run([listening])
