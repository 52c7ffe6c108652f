"""Mistakes of the user, told in one sentence.

Whatever a person can put right is raised as `UserError`; the command line prints its message and
exits with `exit_code`, without a traceback.
"""


class UserError(Exception):
    """The work could not be done; the message says what was wrong, the limit, and the way out."""

    exit_code = 1


class UsageError(UserError):
    """The command itself was wrong: an argument that does not exist or does not fit."""

    exit_code = 2
