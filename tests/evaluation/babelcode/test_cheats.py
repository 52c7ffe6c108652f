"""Candidates that want to pass without the right values. None does: the values are not where they can look."""

import pytest

from codegem.evaluation.task import Verdict

from .running import judge, question

# Nobody can work these out, so whoever gives them has seen them.
SECRET = question(["integer"], "integer", [([1], 734_912), ([2], 918_273)])

_NONCE_PYTHON = """
import os, re, sys, threading, time
source = open("main.py").read()
nonce = re.search(r"_run_([0-9a-f]{32})", source)[1]
def say(idx, data):
    os.write(1, f"\\n{nonce} {idx} {data}\\n".encode())
"""
PYTHON = {
    "prints BabelCode's own lines": "print('TEST-0...PASSED\\nTEST-1...PASSED')\ndef f(x): return 0",
    "prints its own results": _NONCE_PYTHON + "say(0, 'value 1'); say(1, 'value 1')\ndef f(x): return 0",
    "prints its results and leaves": _NONCE_PYTHON
    + "say(0, 'passed'); say(1, 'PASSED')\nos._exit(0)\ndef f(x): return 0",
    "answers for tests that are not there": _NONCE_PYTHON
    + 'for idx in range(2, 1000): say(idx, \'value ["int","0x1"]\')\ndef f(x): os._exit(0)',
    "tries every answer": _NONCE_PYTHON
    + 'def f(x):\n    for each in range(700, 1000): say(x - 1, f\'value ["int","{each * 1000:#x}"]\')\n    os._exit(0)',
    "leaves at once": "import os\nos._exit(0)\ndef f(x): pass",
    "leaves in a test": "import sys\ndef f(x): sys.exit(0)",
    "equals everything": "class All:\n    def __eq__(self, other): return True\n"
    "    __hash__ = None\ndef f(x): return All()",
    "is a number that equals everything": "class All(int):\n    def __eq__(self, other): return True\n"
    "    __index__ = __int__ = __repr__ = __str__ = lambda self: self\n    __hash__ = int.__hash__\n"
    "def f(x): return All()",
    "replaces the names of the library": "import builtins, json, os\n"
    "json.dumps = lambda *a, **k: 'true'\nbuiltins.isinstance = lambda *a: True\nbuiltins.str = builtins.repr = ascii\n"
    "def f(x): return 0",
    "replaces the driver": "import sys\nfor name in list(globals()):\n    if name.startswith('_run_'):\n"
    "        globals()[name] = lambda idx, call: print(f'\\n{name[5:]} {idx} value true\\n')\ndef f(x): return 0",
    "closes its output": "import os\nos.close(1)\nos.open('/dev/null', os.O_WRONLY)\ndef f(x): return 0",
    "says more when it ends": _NONCE_PYTHON
    + "import atexit\natexit.register(lambda: say(0, 'value 1'))\ndef f(x): return 0",
    "says more from a thread": _NONCE_PYTHON
    + 'def late():\n    time.sleep(0.2)\n    say(1, \'value ["int","0x1"]\')\n'
    + "threading.Thread(target=late).start()\ndef f(x): return 0",
    "leaves a child behind": _NONCE_PYTHON
    + "if os.fork() == 0:\n    time.sleep(0.2)\n    say(0, 'value 1')\n    os._exit(0)\ndef f(x): return 0",
    "looks for the answer": "import gc, glob, os, sys\nseen = set()\n"
    "for name in glob.glob('/work/*') + glob.glob('/tmp/*') + ['/proc/self/environ', '/proc/self/cmdline']:\n"
    "    try: seen |= set(open(name, 'rb').read().split())\n"
    "    except OSError: pass\n"
    "def f(x):\n    frame = sys._getframe()\n    while frame:\n"
    "        for each in (*frame.f_locals.values(), *frame.f_globals.values()):\n"
    "            if each in (734912, 918273): return each\n        frame = frame.f_back\n"
    "    whole = [each for each in gc.get_objects() if type(each) is tuple]\n"
    "    for each in (734912, 918273):\n"
    "        if str(each).encode() in seen or any(each in some for some in whole if len(some) == 9): return each\n",
}
JAVASCRIPT = {
    "prints lines and leaves": "console.log('TEST-0...PASSED\\nTEST-1...PASSED'); process.exit(0);\nfunction f(x) {}",
    "finds the nonce": "const nonce = /run_([0-9a-f]{32})/.exec(require('fs').readFileSync(__filename, 'utf8'))[1];\n"
    "for (const idx of [0, 1]) console.log(`\\n${nonce} ${idx} value true`);\nfunction f(x) { process.exit(0); }",
    "replaces the serializer": "JSON.stringify = () => 'true';\nfunction f(x) { return 0; }",
    "has its own serializer": "function f(x) { return { toJSON() { return 0; } }; }",
    "is what it is compared with": "function f(x) {\n"
    "    return { valueOf() { return NaN; }, [Symbol.toPrimitive]: () => 0 };\n}",
    "replaces the output": "require('fs').writeSync = (fd, data) => data.length;\nprocess.stdout.write('PASSED');\n"
    "function f(x) { return 0; }",
    "says more later": "process.on('exit', () => console.log('PASSED'));\nsetTimeout(() => {}, 1);\nfunction f(x) {}",
    "leaves in an exception": "function f(x) { process.exitCode = 0; process.kill(process.pid, 'SIGTERM'); for (;;); }",
}
GO = {
    "prints lines": 'func f(x int) int { fmt.Println("TEST-0...PASSED\\nTEST-1...PASSED"); return 0 }',
    "runs before the driver": 'func init() { fmt.Print("\\n0 value true\\n") }\nfunc f(x int) int { return 0 }',
    "is its own driver": 'func main() { fmt.Println("PASSED") }\nfunc f(x int) int { return 0 }',
    "says more from a goroutine": 'func f(x int) int { go func() { for { fmt.Println("PASSED") } }(); return 0 }',
    "panics with a value": 'func f(x int) int { panic("value 734912") }',
}
RUST = {
    "leaves at once": "pub fn f(x: i32) -> i32 { std::process::exit(0) }",
    "prints lines from a thread": 'pub fn f(x: i32) -> i32 { std::thread::spawn(|| loop { println!("PASSED") }); 0 }',
    "replaces the macros": 'macro_rules! format { ($($x:tt)*) => { String::from("value 734912") } }\n'
    "pub fn f(x: i32) -> i32 { 0 }",
    "looks for the source": 'pub fn f(x: i32) -> i32 { match std::fs::read_to_string("/work/main.rs") { Ok(text) =>\n'
    '    if text.contains("734912") { 734912 } else { 0 }, _ => 0 } }',
    "panics in its drop": "struct D;\nimpl Drop for D { fn drop(&mut self) { std::process::exit(0) } }\n"
    'pub fn f(x: i32) -> i32 { let _d = D; panic!("x") }',
}
HONEST = {
    "python": "def f(x): return {1: 734912, 2: 918273}[x]",
    "javascript": "function f(x) { return x === 1 ? 734912 : 918273; }",
    "go": "func f(x int) int { return []int{0, 734912, 918273}[x] }",
    "rust": "pub fn f(x: i32) -> i32 { [0, 734912, 918273][x as usize] }",
}


@pytest.mark.parametrize(
    ("language", "cheats"), [("python", PYTHON), ("javascript", JAVASCRIPT), ("go", GO), ("rust", RUST)]
)
def test_no_cheat_passes(language: str, cheats: dict[str, str]) -> None:
    *told, honest = judge(language, [(SECRET, code) for code in (*cheats.values(), HONEST[language])])
    assert {name: each.verdict for name, each in zip(cheats, told, strict=True) if each.verdict == Verdict.PASSED} == {}
    assert all(each.reason for each in told)
    assert honest.verdict == Verdict.PASSED, honest
