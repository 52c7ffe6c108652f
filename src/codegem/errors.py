"""Mistakes of the user, told in one sentence.

Whatever a person can put right is raised as `UserError`; the command line prints its message and
exits with `exit_code`, without a traceback.
"""

from collections.abc import Mapping


class UserError(Exception):
    """The work could not be done; the message says what was wrong, the limit, and the way out."""

    exit_code = 1


class SourceError(UserError):
    """A source of text lost some of its requests: a server that died, that hangs, that sends something else.

    It says nothing about a model, so an evaluation asks again and never counts a lost request as a wrong answer.

    Attributes:
        failed: why, by the index of each request that was lost.
        gone: whether the source answers nothing any more, rather than not these requests.
    """

    def __init__(self, message: str, failed: Mapping[int, str] | None = None, gone: bool = False):
        super().__init__(message)
        self.failed = dict(failed or {})
        self.gone = gone


class Busy(UserError):
    """As much is waiting as may wait; ask again after a moment."""


class UsageError(UserError):
    """The command itself was wrong: an argument that does not exist or does not fit."""

    exit_code = 2
