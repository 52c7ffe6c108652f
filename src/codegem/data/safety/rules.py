"""What safety looks for, what is done about it, and what it tells."""

from dataclasses import dataclass, fields
from typing import Literal, NamedTuple, get_args

from codegem.errors import UserError

Policy = Literal["redact", "drop", "keep"]


@dataclass(frozen=True)
class SafetyRules:
    """What is done about each class of findings: "redact" it in place, "drop" the file, or "keep" it.

    StarCoder (arXiv 2305.06161, section 4) redacted names, e-mail and IP addresses, keys and passwords,
    and so do the defaults.

    Attributes:
        secrets: keys and tokens: of a known format, given to a name such as `api_key`, or random text in quotes.
        passwords: given to a name such as `password`, in URLs, connection strings and .netrc lines.
        private_keys: the body of a PEM or PGP block.
        emails: addresses, but for reserved domains (RFC 2606) and mailboxes of no person (`noreply@`, `git@`).
        ip_addresses: public IPv4 and IPv6 addresses.
        phones: numbers in comments, strings and prose.
        names: of people, in author lines, `@author` and `TODO(name)`.
        copyright_names: of people in copyright lines. They are part of the licence's notice, which may not be
            removed; the default keeps them. An e-mail address in such a line is still an e-mail address.
        min_random_bits: how much likelier text in quotes must be as random letters than as written by people,
            as a logarithm to the base 2 (see `randomness.random_bits`), before it counts as a secret with no
            name to say so. Of random tokens of 20 letters and digits 0.4% have less than 20, of those in one case 2%;
            of the 226 different strings of this form in 14 source distributions none has between 8.1 and 30.
        max_findings: a file with more is data, not code, and is dropped.
    """

    secrets: Policy = "redact"
    passwords: Policy = "redact"
    private_keys: Policy = "redact"
    emails: Policy = "redact"
    ip_addresses: Policy = "redact"
    phones: Policy = "redact"
    names: Policy = "redact"
    copyright_names: Policy = "keep"
    min_random_bits: float = 20.0
    max_findings: int = 200

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(field.default, str) and value not in get_args(Policy):
                wanted = ", ".join(get_args(Policy))
                raise UserError(f"The policy for {field.name} is {value!r}: give one of {wanted}.")
        if self.max_findings < 1:
            raise UserError(f"max_findings is {self.max_findings}: give 1 or more.")

    def policy(self, kind: str) -> Policy:
        """What is done about a kind of finding."""
        return getattr(self, POLICY_OF[kind])


POLICY_OF = {
    "secret": "secrets",
    "password": "passwords",
    "private key": "private_keys",
    "email": "emails",
    "ip address": "ip_addresses",
    "phone": "phones",
    "name": "names",
    "copyright name": "copyright_names",
}
PLACEHOLDERS = {
    "secret": "KEY",
    "password": "PASSWORD",
    "private key": "KEY",
    "email": "EMAIL",
    "phone": "PHONE",
    "name": "NAME",
    "copyright name": "NAME",
}


class Span(NamedTuple):
    """Characters `start` to `end` of one line, what they are, and the rule that says so."""

    start: int
    end: int
    kind: str
    rule: str


@dataclass(frozen=True)
class Finding:
    """Where something was found; never the thing itself, for findings are written to reports.

    Attributes:
        kind: a key of `POLICY_OF`.
        rule: the detector or format that spoke.
        line, column: from 1, in the text as it was read.
        length: characters.
    """

    kind: str
    rule: str
    line: int
    column: int
    length: int


@dataclass(frozen=True)
class Outcome:
    """A text after the safety stage.

    Attributes:
        text: redacted where the policy says so.
        rejection: (reason, detail) where the file is dropped, else None.
        findings: in the order of the text, also of what was kept by policy.
    """

    text: str
    rejection: tuple[str, str] | None = None
    findings: tuple[Finding, ...] = ()
