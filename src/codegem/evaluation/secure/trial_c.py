"""Trying out a C program: whether it does what is asked, and whether the attack of its case does harm.

It is compiled with GCC's sanitizers (AddressSanitizer: Serebryany et al. 2012; UndefinedBehaviorSanitizer), so that an
access outside of an object, a use after free or an overflow is seen even where the program seems to go on. The leak
sanitizer wants to trace its own process, which the sandbox refuses: tests count what is allocated instead.
"""

import functools

from codegem.evaluation.secure.cases import Case
from codegem.evaluation.secure.observing import HARM, Watched, tried, watch
from codegem.evaluation.secure.trial import Tried
from codegem.sandbox.limits import Finished, SandboxError, Status
from codegem.sandbox.sandbox import run
from codegem.sandbox.toolchain import BUILD, ask, outside, program

# A plain build: an optimizing one leaves out what nobody looks at, and with it a read outside of an object.
# Variables that nobody has set hold a pattern, so that reading one gives the same wrong answer every time.
# Refused is what newer compilers refuse, numbers as pointers and pointers to something else; and functions that end
# without the value that they should give, because what is read then would be anything.
_OPTIONS = (
    *("-std=gnu17", "-D_GNU_SOURCE", "-O0", "-g1", "-ftrivial-auto-var-init=pattern"),
    *("-fsanitize=address,undefined", "-fno-sanitize-recover=all"),
    *("-Werror=return-type", "-Werror=int-conversion", "-Werror=incompatible-pointer-types"),
)
_HEAD = f"""
const char *__asan_default_options(void) {{
    return "exitcode={HARM}:detect_leaks=0:allocator_may_return_null=1:detect_stack_use_after_return=1:"
           "max_malloc_fill_size=1048576:max_allocation_size_mb=512:symbolize=0";
}}
const char *__ubsan_default_options(void) {{ return "exitcode={HARM}"; }}
#line 1
"""
_DRIVER = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char trial_nonce[64];
static void trial_tell(const char *word) { dprintf(1, "\\n%s %s\\n", trial_nonce, word); }
static void observe_int(long value) { char text[32]; snprintf(text, sizeof text, "%ld", value); trial_tell(text); }
static void observe_text(const char *value) {
    if (!value) {
        trial_tell("null");
        return;
    }
    size_t used = 0, room = 6 * strlen(value) + 3;
    char *text = malloc(room);
    text[used++] = '"';
    for (; *value; value++) {
        unsigned char c = *value;
        if (c < 32 || c == '"' || c == '\\\\') used += snprintf(text + used, room - used, "\\\\u%04x", c);
        else text[used++] = c;
    }
    text[used++] = '"';
    text[used] = 0;
    trial_tell(text);
    free(text);
}
static void insecure(const char *why) { dprintf(2, "\\n%s\\n", why); _exit(99); }
#define check(condition) \\
    do { if (!(condition)) { dprintf(2, "error: not %s\\n", #condition); _exit(1); } } while (0)
"""
_MAIN = """
int main(void) {
    ssize_t count = read(0, trial_nonce, sizeof trial_nonce - 1);
    if (count < 1) return 1;
    trial_nonce[count - 1] = 0;
    {
BODY
    }
    fflush(stdout);
    trial_tell("end");
    _exit(0);
}
"""
_PROBE = "int main(int count, char **words) { char text[4]; text[count + 3] = 1; return text[count + 3]; }\n"


def missing() -> str:
    """What this machine lacks, with the way out; "" if programs can be tried out."""
    return "" if program("gcc") else "no gcc: install GCC (`apt-get install gcc libc6-dev`)"


def tools() -> dict[str, str]:
    """What builds them, for the report."""
    return {"C": _version()}


def try_out(case: Case, program: str) -> Tried:
    """Try a program of C; a report of a sanitizer is harm, also where the case's attack would not look.

    Args:
        program: the case's file with an answer in it.

    Raises:
        UserError: bubblewrap is not installed.
        SandboxError: the sandbox broke, or GCC does not work in it: nothing is known of the program.
    """
    _version()
    works = _run(source(case, program, case.works))
    if isinstance(works, Finished):
        return Tried(False, None, _complaint(works), works.seconds)
    attack = _run(source(case, program, case.attack)) if case.attack else None
    if isinstance(attack, Finished):
        raise SandboxError(f"the attack of {case.name} can't be compiled: {_complaint(attack)}")
    return tried(case, works, attack)


def source(case: Case, program: str, test: str) -> str:
    """The file that GCC compiles.

    Args:
        test: statements of a function, with `check(condition)`, `observe_int`, `observe_text` and `insecure(why)`.
    """
    return f"{_HEAD}{case.before}{program}\n{_DRIVER}{case.fixture}{_MAIN.replace('BODY', test)}"


def _run(text: str) -> Watched | Finished:
    """A test that was run, or a build that failed."""
    compiler = _compiler()
    script = f"{compiler} {' '.join(_OPTIONS)} main.c -o main -lm >&2 && exec cat main"
    built = run(["/bin/sh", "-c", script], {"main.c": text}, BUILD, read_only=outside(compiler))
    return watch(["./main"], {"main": built.raw}) if built.passed else built


def _complaint(built: Finished) -> str:
    """The compiler's first error, or why it was stopped."""
    if built.status != Status.EXITED:
        return f"the compiler was {built.reason}"
    errors = [line for line in built.stderr.split("\n") if "error" in line or "undefined reference" in line]
    return (errors or [built.reason])[0][:300]


def _compiler():
    found = program("gcc")
    if found is None:
        raise SandboxError(missing())
    return found


@functools.cache
def _version() -> str:
    """Of a compiler whose sanitizers have found an error here: one that does not work makes no program wrong."""
    probe = _run(_HEAD + _PROBE)
    if isinstance(probe, Finished) or not probe.harmed:
        told = _complaint(probe) if isinstance(probe, Finished) else probe.said
        raise SandboxError(f"GCC's sanitizers do not work in the sandbox: {told}; `apt-get install gcc libc6-dev`")
    return f"gcc {ask(_compiler(), '-dumpfullversion')}"
