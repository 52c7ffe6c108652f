"""What travels down the data line: one frozen dataclass for each arrow."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from codegem.text.fim import Role

if TYPE_CHECKING:
    from codegem.data.encoded import EncodedText


@dataclass(frozen=True)
class Document:
    """One source file that passed the filters; `sha256` is of its bytes, `path` within its repository."""

    repository: str
    path: str
    text: str
    language: str
    licence: str | None
    sha256: str


class FilePart(NamedTuple):
    """A file in a context, or the `part`-th piece of one that was too long, cut between lines.

    Attributes:
        path: within its repository.
        heading: int32, the tokens of its path line.
        file: the whole file; the part is its bytes from `start` to `end`.
    """

    path: str
    heading: np.ndarray
    file: "EncodedText"
    start: int
    end: int
    part: int = 0

    @property
    def text(self) -> str:
        """The part as characters."""
        return self.file.data[self.start : self.end].decode()


@dataclass(frozen=True)
class PackedContext:
    """Files of one repository that are seen together, in their order."""

    repository: str
    files: tuple[FilePart, ...]


@dataclass(frozen=True, eq=False)
class TrainingExample:
    """One row of a training batch, T tokens long.

    Attributes:
        tokens: int32 [T], padded with the tokenizer's pad id.
        segment_ids: int32 [T]; 0 is padding, 1, 2, … number the packed contexts. Attention stays inside
            a segment, so that a row may hold several repositories.
        roles: uint8 [T], the `text.fim.Role` of each token.
    """

    tokens: np.ndarray
    segment_ids: np.ndarray
    roles: np.ndarray

    @property
    def learned(self) -> np.ndarray:
        """bool [T]: whether the loss counts the prediction of the token.

        It does where the token before is of the same segment, and of a conversation only for its answers.
        """
        before = np.append(0, self.segment_ids[:-1])
        real = (self.segment_ids == before) & (self.segment_ids > 0)
        answers = self.roles == Role.ANSWER
        talking = np.unique(self.segment_ids[answers | (self.roles == Role.QUESTION)])
        return real & (answers | ~np.isin(self.segment_ids, talking))
