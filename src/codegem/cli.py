"""The command line: finds the command, and turns errors into one sentence and an exit status."""

import importlib
import sys
from collections.abc import Callable, Sequence

from codegem.errors import UsageError, UserError

_USAGE = """codegem: an open, independent implementation of CodeGemma

  codegem complete FILE:LINE[:COLUMN]             a suggestion at the cursor
  codegem lsp                                     a language server for editors
  codegem serve                                   a server for editors and chat clients
  codegem chat                                    questions about code, /explain, /fix, /test, /exercise
  codegem models                                  the models at hand
  codegem convert SOURCE DESTINATION --to FORMAT  a model in another format: hf, gguf, kaggle
  codegem quantize SOURCE DESTINATION             a model with weights of 8 or 4 bits
  codegem data fetch MANIFEST --out DIR           a corpus of pinned packages
  codegem data build SOURCE... --out DIR          repositories to token shards
  codegem data instructions --out DIR ...         questions and answers to token shards
  codegem data show DIR                           one training example
  codegem data report DIR                         a page about a data set
  codegem data graph REPOSITORY                   what files import, and the order that follows
  codegem data tokenizer SOURCE... --out FILE     a vocabulary of one's own
  codegem trace FILE[:LINES] --index DIR          where code stands in the corpus of a model
  codegem trace build DATA SOURCE...              the index for it, of a data set that exists
  codegem train RECIPE --data DIR --out DIR       train a model, or go on where it was stopped
  codegem train plot DIR...                       loss, learning rate and throughput of runs as a picture
  codegem tune --model M --data DIR --out DIR     tune a model on one's own code or conversations
  codegem tune preferences --model M --data FILE  by pairs of a better and a worse answer
  codegem tune rewards --model M --data FILE      by rewards of its own answers: results, unit tests
  codegem train memory RECIPE                     what memory a recipe needs on each device
  codegem eval humaneval                          write functions of Python
  codegem eval mbpp                               small ones, after three examples
  codegem eval infilling                          fill holes in functions of Python
  codegem eval bc-humaneval                       write functions in eight languages
  codegem eval bc-mbpp                            small ones in eight languages
  codegem eval repository PATH...                 fill lines of code that a model has not seen
  codegem eval compare BEFORE AFTER               two runs of the same problems, one by one
  codegem eval score PREDICTIONS --benchmark B    judge predictions, whoever made them
  codegem eval language                           questions in language and mathematics
  codegem eval memorisation --data DIR            how much of its training data a model repeats
  codegem eval content --model MODEL              what it says to requests that it should not meet
  codegem eval rate RUN [RUN]                     a page on which people rate answers, blind
  codegem eval safety --model MODEL               what it repeats, writes and refuses, within limits
  codegem eval secure-code                        places where insecure code is likely
  codegem eval card --model MODEL                 all of it in one table, beside published results

`codegem COMMAND --help` says more. Example: codegem complete examples/inventory.py:35"""

# Each command's room, imported only when it is asked for, and its function there.
COMMANDS = {
    "complete": ("complete", "complete"),
    "lsp": ("lsp", "lsp"),
    "serve": ("serve", "serve"),
    "chat": ("chat", "chat"),
    "models": ("models", "models"),
    "convert": ("convert", "convert"),
    "quantize": ("quantize", "quantize"),
    "data fetch": ("data", "data_fetch"),
    "data build": ("data", "data_build"),
    "data instructions": ("instructions", "data_instructions"),
    "data show": ("data", "data_show"),
    "data report": ("data", "data_report"),
    "data graph": ("graph", "data_graph"),
    "data tokenizer": ("data", "data_tokenizer"),
    "trace": ("trace", "trace"),
    "trace build": ("trace", "trace_build"),
    "train": ("train", "train"),
    "train memory": ("train_memory", "train_memory"),
    "train plot": ("train_plot", "train_plot"),
    "tune": ("tune", "tune"),
    "tune preferences": ("tune_preferences", "tune_preferences"),
    "tune rewards": ("tune_rewards", "tune_rewards"),
    "eval humaneval": ("evaluate", "eval_humaneval"),
    "eval infilling": ("evaluate", "eval_infilling"),
    "eval mbpp": ("evaluate", "eval_mbpp"),
    "eval bc-humaneval": ("evaluate", "eval_bc_humaneval"),
    "eval bc-mbpp": ("evaluate", "eval_bc_mbpp"),
    "eval repository": ("eval_repository", "eval_repository"),
    "eval compare": ("compare", "eval_compare"),
    "eval score": ("score", "eval_score"),
    "eval language": ("eval_language", "eval_language"),
    "eval memorisation": ("eval_memorisation", "eval_memorisation"),
    "eval content": ("eval_content", "eval_content"),
    "eval rate": ("eval_rate", "eval_rate"),
    "eval safety": ("eval_safety", "eval_safety"),
    "eval secure-code": ("eval_secure", "eval_secure_code"),
    "eval card": ("card", "eval_card"),
}

# What is installed with an extra only, and which.
_EXTRAS = {
    "array_record": "data",
    "bandit": "eval",
    "daft": "data",
    "detect_secrets": "data",
    "grain": "train",
    "latex2sympy2_extended": "eval",
    "lm_eval": "eval",
    "optax": "train",
    "orbax": "train",
    "pyarrow": "data",
    "rapidfuzz": "eval",
    "sympy": "eval",
    "tensorboardX": "train",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status: 0 done, 1 the work failed, 2 wrong usage."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _run(words)
        return 0
    except UserError as error:
        return _fail(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        return _fail(f"{error.name} is not installed; install codegem with its `{extra}` extra.", 1)
    except KeyboardInterrupt:
        return _fail("stopped.", 130)
    except BrokenPipeError:  # whoever read our output has enough
        sys.stderr.close()
        return 0


def _run(words: list[str]) -> None:
    if not words or words[0] in ("-h", "--help"):
        print(_USAGE)
    elif words[0] == "--version":
        from codegem import __version__

        print(__version__)
    else:
        command, rest = _command(words)
        command(rest)


def _command(words: list[str]) -> tuple[Callable[[list[str]], None], list[str]]:
    for length in (2, 1):
        name = " ".join(words[:length])
        if name in COMMANDS:
            module, function = COMMANDS[name]
            return getattr(importlib.import_module(f"codegem.commands.{module}"), function), words[length:]
    raise UsageError(f"There is no command {' '.join(words[:2])!r}; the commands are {', '.join(COMMANDS)}.")


def _fail(sentence: str, status: int) -> int:
    print(f"codegem: {sentence}", file=sys.stderr)
    return status
