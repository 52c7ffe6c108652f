"""`codegem eval secure-code`."""

import sys
from dataclasses import asdict, replace
from typing import Annotated, Literal

import tyro

from codegem.commands.arguments import parse, print_json
from codegem.commands.eval_options import Options, default_folder, going_on
from codegem.errors import UserError

_Options = Annotated[Options, tyro.conf.arg(name="")]
_Language = Literal["python", "javascript", "c"]


def eval_secure_code(words: list[str]) -> None:
    """`codegem eval secure-code`."""

    def run(options: _Options, languages: tuple[_Language, ...] = ()) -> None:
        """Places where insecure code is likely: codegem eval secure-code --model nano --languages python

        Args:
            languages: those of which; default all.
        """
        from codegem.commands.opening import open_source
        from codegem.commands.terminal import Bars
        from codegem.evaluation import findings
        from codegem.evaluation.runner import Sampling
        from codegem.evaluation.secure import run as secure

        sampling = Sampling(options.samples, options.temperature, options.top_p, options.seed)
        out = options.out or default_folder("secure-code", options.model)
        opened = open_source(options.model, options.order, options.parallel)
        with Bars() as bars, going_on(bars, out):
            found = secure.run(
                opened.source,
                out,
                data=options.data,
                languages=languages,
                limit=options.limit,
                max_tokens=options.max_tokens,
                fit=opened.fit,
                sampling=sampling,
                settings=opened.settings,
                workers=options.workers,
                progress=bars.update,
            )
        sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr]  # for terminals that are not UTF-8
        shown = [figure for figure in found.figures if figure.value or "cwe-" not in figure.name]
        told = findings.summary(replace(found, figures=shown))  # weaknesses of which there is none are in the file
        if options.json:
            print_json(asdict(found))
        else:
            print(f"{told}\n{out / findings.FILE}")
        if not any(figure.counted for figure in found.figures if figure.name == "insecure"):
            raise UserError(f"No answer could be judged: {'; '.join(found.left_out)}")

    parse(run, "eval secure-code", words)
