"""What a chat model is asked about code, as plain text; the code itself is attached (`attachments`)."""

EXPLAIN = """Explain this code to somebody who is learning to program.
Begin with one sentence on what it is for. Then go through it in order and say what each part does and why it is there.
Name what is easy to get wrong. Do not change the code."""

FIX = """Something is wrong with this code: {problem}
Find the cause and give the corrected code of the smallest part that has to change, whole, in one fenced block.
Then say in one or two sentences what was wrong."""

MISTAKE = "it follows the grammar of its language and still does not do what it should."

TEST = """Write unit tests for this code, in {framework}.
Test what it promises: an ordinary case, the borders of its input, and input that it must refuse.
Give one fenced block that holds a whole file, imports included, and nothing that is not a test."""

TEST_AGAIN = """The tests in your answer have a syntax error in line {line}: {text}
Give the whole file again, corrected, in one fenced block."""

# What tests are written in where nobody says: the way that a language brings along, or that most of its people use.
FRAMEWORKS = {
    "python": "pytest",
    "javascript": "Node's own test runner (node:test and node:assert)",
    "typescript": "Vitest",
    "java": "JUnit 5",
    "kotlin": "kotlin.test",
    "go": "the standard package testing",
    "rust": "a #[cfg(test)] module",
    "c": "plain functions that use assert.h, and a main that calls them",
    "cpp": "GoogleTest",
    "csharp": "xUnit",
}
ANY_FRAMEWORK = "the usual framework of its language"
