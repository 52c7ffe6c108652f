"""What an editor may set: `initializationOptions`, `workspace/didChangeConfiguration` and `workspace/configuration`."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from codegem.errors import UserError
from codegem.server.schema import Schema, check, either, flag, number, record, text, whole

SECTION = "codegem"
_MOST_MILLISECONDS = 5000


@dataclass(frozen=True)
class Options:
    """The settings of a session; an editor writes the names in camel case, as in `codegem.maxTokens`.

    Attributes:
        enabled: whether anything is suggested at all.
        languages: on and off by LSP's language identifier; a language that is not named is on.
        max_tokens: the longest suggestion.
        lines: whether suggestions have one line, may have many, or as many as the place calls for.
        debounce: milliseconds between a key and the work on what the editor asked for by itself, or "auto", which
            follows the speed of typing.
        context: whether other files are looked at.
        ordinary: whether `textDocument/completion` is answered as well; "auto" does so for an editor that knows no
            `textDocument/inlineCompletion`. It is read at the beginning of a session only.
    """

    enabled: bool = True
    languages: Mapping[str, bool] = field(default_factory=dict)
    max_tokens: int = 64
    lines: Literal["auto", "one", "many"] = "auto"
    debounce: float | Literal["auto"] = "auto"
    context: bool = True
    ordinary: Literal["auto", "on", "off"] = "auto"

    @property
    def key(self) -> tuple[int, str, bool]:
        """What a suggestion depends on."""
        return self.max_tokens, self.lines, self.context

    def wants(self, language: str) -> bool:
        """Whether suggestions are wanted in a language.

        >>> Options(languages={"markdown": False}).wants("markdown"), Options().wants("python")
        (False, True)
        """
        return self.enabled and self.languages.get(language, True)


_SCHEMAS: dict[str, Schema] = {
    "enabled": flag(),
    "languages": record({}),
    "max_tokens": whole(1, 1024),
    "lines": text(one_of=("auto", "one", "many")),
    "debounce": either(text(one_of=("auto",)), number(0, _MOST_MILLISECONDS)),
    "context": flag(),
    "ordinary": text(one_of=("auto", "on", "off")),
}


def read_options(told: Any, before: Options = Options()) -> tuple[Options, list[str]]:
    """What an editor set over what held before, and a sentence for each value that can't be.

    Null leaves a value alone, and names that are not known are the editor's own.

    Args:
        told: the settings, or an object that has them as `codegem`.

    >>> read_options({"codegem": {"maxTokens": 0, "lines": "one"}})[1]
    ['codegem.maxTokens is 0; it must be a whole number from 1 to 1024.']
    """
    if isinstance(told, Mapping) and SECTION in told:
        told = told[SECTION]
    if told is None or told == []:  # an empty table of Lua's
        return before, []
    if not isinstance(told, Mapping):
        return before, [f"The settings of {SECTION} must be an object."]
    values, wrong = {}, []
    for each in fields(Options):
        name = _camel(each.name)
        if told.get(name) is None:
            continue
        try:
            values[each.name] = _read(told[name], each.name, f"{SECTION}.{name}")
        except UserError as error:
            wrong.append(str(error))
    return replace(before, **values), wrong


def _read(value: Any, name: str, where: str) -> Any:
    read = check(value, _SCHEMAS[name], where)
    if name == "languages":
        for language, wanted in read.items():
            check(wanted, flag(), f"{where}.{language}")
    return read


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
