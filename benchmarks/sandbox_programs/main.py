import json
import sys


def parse_nested_parens(text: str) -> list[int]:
    def depth(group: str) -> int:
        level = deepest = 0
        for letter in group:
            if letter == "(":
                level += 1
                deepest = max(level, deepest)
            else:
                level -= 1
        return deepest

    return [depth(group) for group in text.split(" ") if group]


def histogram(words: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in words.split(" "):
        if word:
            counts[word] = counts.get(word, 0) + 1
    most = max(counts.values(), default=0)
    return {word: count for word, count in counts.items() if count == most}


def encode(value):
    if isinstance(value, dict):
        return {"map": [[encode(key), encode(item)] for key, item in value.items()]}
    if isinstance(value, (list, tuple, set)):
        return {type(value).__name__: [encode(item) for item in value]}
    return value


def report(index, call, *arguments):
    try:
        told = "value " + json.dumps(encode(call(*arguments)))
    except Exception as error:
        told = "raised " + type(error).__name__
    sys.stdout.write(f"\nSALT {index} {told}\n")
    sys.stdout.flush()


report(0, parse_nested_parens, "(()()) ((())) () ((())()())")
report(1, parse_nested_parens, "() (()) ((())) (((())))")
report(2, parse_nested_parens, "(()(())((())))")
report(3, histogram, "a b c a")
report(4, histogram, "a b b a")
report(5, histogram, "")
