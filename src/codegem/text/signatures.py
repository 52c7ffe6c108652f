"""What a file offers to other files: its functions, types with their members, and constants, without their bodies.

    class Money:                                            class Money:
        \"""An amount.\"""                                        \"""An amount.\"""
                                                                def __init__(self, cents): ...
        def __init__(self, cents):                ->            def plus(self, other): ...
            self.cents = cents                              LIMIT = 3

        def plus(self, other):
            return Money(self.cents + other.cents)

    LIMIT = 3

One line for each declaration, and one for the first of its documentation, so that a list of them can be cut at any
line. `text.declarations` reads them from a file. Signatures of what is imported keep most of the use of whole files:
arXiv 2406.18294.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from codegem.text.languages import language_of

_NO_END = ("python", "go", "kotlin")  # elsewhere a line of which the body was taken ends with a semicolon


@dataclass(frozen=True)
class Signature:
    """One declaration without its body.

    Attributes:
        name: what it declares; "" where that has no name.
        head: one line, without what opens a body.
        doc: the first line of its documentation.
        members: of a type.
        decorators: lines before the head: of Python's, those that change how the name is used.
        hidden: by its name it is not meant for other files, though they can have it.
    """

    name: str
    head: str
    doc: str = ""
    members: tuple["Signature", ...] = ()
    decorators: tuple[str, ...] = ()
    hidden: bool = False


def render(found: Iterable[Signature], path: str, *, docs: bool = True) -> str:
    """Lines of code that say what `found` declares, each ended.

    >>> print(render([Signature("A", "class A", members=(Signature("f", "int f(int a)"),))], "A.java"), end="")
    class A {
        int f(int a);
    }
    """
    language = language_of(path) or ""
    return "".join(line + "\n" for each in found for line in _lines(each, language, docs, ""))


def offered(found: Sequence[Signature], wanted: Collection[str], used: Collection[str] = ()) -> list[Signature]:
    """Of a file's signatures those of wanted names, all that are not hidden where it declares none of them.

    What is wanted stands first, then what is used, so that a list that is too long can be cut at its end.
    """
    chosen = [each for each in found if each.name in wanted] or [each for each in found if not each.hidden]
    return sorted(chosen, key=lambda each: (each.name not in wanted, each.name not in used))


def _lines(each: Signature, language: str, docs: bool, indent: str) -> Iterator[str]:
    inner = indent + "    "
    if language == "python":
        doc = f'{inner}"""{each.doc}"""' if docs and each.doc else ""
        yield from (indent + line for line in each.decorators)
        is_empty = each.head.endswith(":") and not (doc or each.members)
        yield indent + each.head + (" ..." if is_empty else "")
        yield from (doc,) if doc else ()
    else:
        if docs and each.doc:
            yield f"{indent}// {each.doc}"
        is_ended = language in _NO_END or each.head.startswith("#") or each.head.endswith((";", "}", ","))
        yield indent + each.head + (" {" if each.members else "" if is_ended else ";")
    for member in each.members:
        yield from _lines(member, language, docs, inner)
    if each.members and language != "python":
        yield indent + "}"
