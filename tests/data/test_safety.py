"""Safety: golden cases for each rule, and what must hold for any text."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegem.data.safety.rules import Finding, SafetyRules
from codegem.data.safety.safe import make_safe
from codegem.errors import UserError
from codegem.text.syntax import parse

pytest.importorskip("detect_secrets")

RULES = SafetyRules()
KEY = "q7RkZ0vT2mXp9LwB4sYdN8cJ"  # random, and a key of nobody


def safe(text: str, path: str = "a.py", rules: SafetyRules = RULES) -> str:
    (outcome,) = make_safe([text], [path], rules)
    assert outcome.rejection is None, outcome.rejection
    return outcome.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('api_key = "q7RkZ0vT2mXp9LwB4sYd"', 'api_key = "<KEY>"'),
        ('x = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"', 'x = "<KEY>"'),
        ('login("bob", password="hunter2!x")', 'login("bob", password="<PASSWORD>")'),
        ('if password == "S3kr1tPa55":', 'if password == "<PASSWORD>":'),
        ('if "S3kr1tPa55" == password:', 'if "<PASSWORD>" == password:'),
        ('u = "https://bob:q7RkZ0vT@git.corp.io/x"', 'u = "https://bob:<PASSWORD>@git.corp.io/x"'),
        ("# mail jane.doe@corp.io for more", "# mail <EMAIL> for more"),
        ("# Jane <jane@corp.io>", "# Jane <EMAIL>"),
        ("# jane [at] corp [dot] io", "# <EMAIL>"),
        ("HOST = '93.184.216.34'", "HOST = '10.0.0.1'"),
        ("a = ['93.184.216.34', '93.184.216.35', '93.184.216.34']", "a = ['10.0.0.1', '10.0.0.2', '10.0.0.1']"),
        ("HOST = '2a00:1450:4001:824::200e'", "HOST = 'fd00::1'"),
        ("# Call +49 30 901820 or (212) 867-5309", "# Call <PHONE> or <PHONE>"),
        ("# Author: Jane Doe", "# Author: <NAME>"),
        ("# Written by Jane van der Berg and J. R. O'Neil", "# Written by <NAME> and <NAME>"),
        (":author: Jane Doe", ":author: <NAME>"),
        ('__author__ = "Jane Doe"', '__author__ = "<NAME>"'),
        ("# TODO(jdoe): later", "# TODO(<NAME>): later"),
        ("# Copyright (c) 2019 Jane Doe <jane@corp.io>", "# Copyright (c) 2019 Jane Doe <EMAIL>"),
    ],
)
def test_what_is_found_is_replaced(before: str, after: str):
    assert safe(before + "\n") == after + "\n"


@pytest.mark.parametrize(
    "text",
    [
        "password = input('password: ')",
        'password_field = "password"',
        'API_KEY = os.environ["API_KEY"]',
        'api_key = "your-api-key"',
        'token = "xxxxxxxxxxxxxxxx"',
        'AWS = "AKIAIOSFODNN7EXAMPLE"',
        'commit = "9fceb02d0ae598e95dc970b74767f19372d61af8"',
        'request_id = "3fa85f64-5717-4562-b3fc-2c963f66afa6"',
        "y = x@self.weight.T + a@b.to(device)",
        "img = 'logo@2x.png'",
        "# mail someone@example.com or noreply@github.com",
        "url = 'git@github.com:a/b.git'",
        "hosts = ['127.0.0.1', '10.1.2.3', '192.0.2.1', '255.255.255.0', '0.0.0.0']",
        'version = "4.30.112.7"',
        "requires = ['foo==20.133.4.77', 'Chrome/91.0.4472.124']",
        "# see section 4.1.22.3 and OID 1.3.6.1.4.1",
        "t = '2019-01-02 10:11:12'",
        "x = a +12345678 - 212-867",
        "# By the way, this is Written in C",
        "# TODO(perf): later, TODO(#123), TODO(GH-12)",
        "# Authors: the Foo Project Team",
        "# IN NO EVENT SHALL THE COPYRIGHT OWNER OR CONTRIBUTORS BE LIABLE FOR ANY DIRECT",
        "interface A { author: User; owner: string }",
        'if "-----BEGIN RSA PRIVATE KEY-----" in text:',
    ],
)
def test_what_is_none_is_left(text: str):
    (outcome,) = make_safe([text], ["a.py"], RULES)
    assert (outcome.text, outcome.findings) == (text, ())


def test_a_private_key_becomes_one_placeholder():
    body = [f"{'MIIEpAIBAAKCAQEAq7RkZ0vT2mXp9LwB4sYdN8cJ'[i:]}{KEY * 2}"[:64] for i in range(12)]
    key = ["-----BEGIN RSA PRIVATE KEY-----", *body, "c0mQ==", "-----END RSA PRIVATE KEY-----"]
    inside = "k = '''\n" + "\n".join(key) + "\n'''\nx = 1\n"
    assert safe(inside) == "k = '''\n" + "\n".join((key[0], "<KEY>", key[-1])) + "\n'''\nx = 1\n"
    quoted = "k = (\n" + "".join(f'    "{line}\\n"\n' for line in key) + ")\nx = 1\n"
    assert KEY not in safe(quoted) and "c0mQ" not in safe(quoted) and quoted.count("\n") == safe(quoted).count("\n")
    escaped = 'k = "' + "\\n".join(key) + '"\n'
    assert safe(escaped).count("<KEY>\\n") == 12 and "\\<" not in safe(escaped)
    assert "pass" in safe(f"k = '{key[0]}\\n{body[0]}'\ndef f():\n    pass\n")


def test_a_finding_says_where_and_never_what():
    (outcome,) = make_safe([f'a = 1\nkey = "é"; api_key = "{KEY}"\n'], ["a.py"], RULES)
    assert outcome.findings == (Finding("secret", "assigned", 2, 23, 24),)


@pytest.mark.parametrize(
    ("rules", "rejection", "text"),
    [
        (SafetyRules(secrets="drop"), ("secret", "1 found"), None),
        (SafetyRules(secrets="keep", emails="keep"), None, f'api_key = "{KEY}"  # jane@corp.io\n'),
        (SafetyRules(emails="keep"), None, 'api_key = "<KEY>"  # jane@corp.io\n'),
        (SafetyRules(max_findings=1), ("too many findings", "more than 1"), None),
    ],
)
def test_the_policy_decides(rules: SafetyRules, rejection: tuple[str, str] | None, text: str | None):
    (outcome,) = make_safe([f'api_key = "{KEY}"  # jane@corp.io\n'], ["a.py"], rules)
    assert outcome.rejection == rejection and len(outcome.findings) == min(2, rules.max_findings)
    assert text is None or outcome.text == text


def test_a_policy_that_does_not_exist_is_a_mistake():
    with pytest.raises(UserError, match="emails is 'mask'"):
        SafetyRules(emails="mask")  # type: ignore[arg-type]


def test_copyright_names_are_redacted_where_asked():
    rules = SafetyRules(copyright_names="redact")
    assert safe("# Copyright 2019 Jane Doe\n", rules=rules) == "# Copyright 2019 <NAME>\n"


SOURCES = {
    "a.py": 'KEY = "{k}"\n# {m}\nHOST = "{h}"\nURL = "https://bob:{k}@h.corp.io"\n',
    "a.js": "// Author: Jane Doe {m}\nconst apiKey = `{k}`;\nconst re = /{k}/;\n",
    "a.jsx": "const a = <p title='{m}'>mail {m} or +49 30 901820, {h}</p>;\n",
    "a.ts": "const apiKey: string = '{k}';\n",
    "a.tsx": "const a = (\n  <p>\n    {m}\n  </p>\n);\n",
    "A.java": '/** @author Jane Doe {m} */\nclass A {{ String apiKey = "{k}"; }}\n',
    "a.kt": 'val apiKey = "{k}" // TODO(jdoe)\nval s = """\n{m} {h}\n"""\n',
    "a.go": "package a\n\nconst apiKey = `{k}`\n",
    "a.rs": '/// {m}\nconst API_KEY: &str = r#"{k}"#;\n',
    "a.c": '/* {m} */\n#define API_KEY "{k}"\n',
    "a.cpp": '// {h}\nstd::string api_key{{"{k}"}};\n',
    "a.cs": '/// <author>Jane Doe {m}</author>\nclass A {{ string apiKey = @"{k}"; }}\n',
}


@pytest.mark.parametrize("path", SOURCES)
def test_what_parsed_still_parses(path: str):
    pytest.importorskip("tree_sitter")
    before = SOURCES[path].format(k=KEY, m="jane@corp.io", h="93.184.216.34")
    after = safe(before, path)
    for text in (before, after):
        tree = parse(text.encode(), path)
        assert tree is not None and not tree.root_node.has_error, text
    assert after != before and "jane@corp.io" not in after and f'"{KEY}"' not in after


PIECES = [
    *(
        "password = '",
        "api_key: ",
        '"',
        "'",
        "\n",
        " ",
        "<",
        ">",
        "# Author: ",
        "Jane Doe",
        "jane@corp.io",
        "@",
        "://",
        ":",
    ),
    *(
        KEY,
        KEY[:12],
        "ghp_" + KEY + KEY[:12],
        "93.184.216.34",
        "+49 30 901820",
        "Copyright (c) ",
        "TODO(",
        ")",
        "eyJ",
        ".",
    ),
    *(
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----END RSA PRIVATE KEY-----",
        "\\n",
        "é",
        "=",
        "AccountKey=",
        "Bearer ",
        "sk-",
    ),
]


@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=30).map("".join), min_size=1, max_size=4))
def test_redaction_is_stable_and_each_text_stands_alone(texts: list[str]):
    paths = [("a.py", "b.tsx", "c.md")[i % 3] for i in range(len(texts))]
    together = make_safe(texts, paths, RULES)
    for text, path, outcome in zip(texts, paths, together, strict=True):
        assert make_safe([text], [path], RULES) == [outcome]
        if outcome.rejection is None:
            (again,) = make_safe([outcome.text], [path], RULES)
            assert again.text == outcome.text
            assert all(finding.kind == "copyright name" for finding in again.findings)


@given(st.lists(st.text(max_size=200), max_size=5))
def test_any_text_is_answered(texts: list[str]):
    outcomes = make_safe(texts, ["a.py"] * len(texts), RULES)
    assert [outcome.text for outcome in outcomes if not outcome.findings] == [
        text for text, outcome in zip(texts, outcomes, strict=True) if not outcome.findings
    ]


HOSTILE = [
    *(
        "token",
        "token = ",
        "password:",
        "sk-",
        "eyJ",
        "eyJhbGciOiJI.",
        "://a",
        "://a:a",
        "a@",
        "a@a.",
        "1.",
        "1.1.1.1 ",
    ),
    *(
        "2001:",
        "+1 ",
        "+49 30 ",
        "(212) ",
        "# Author: ",
        "By A ",
        "Aa ",
        "A. ",
        "TODO(",
        "key   ",
        "'",
        '"',
        "\\n",
        "=",
        " ",
    ),
    *(
        "//x/:_authToken=",
        "-----BEGIN RSA PRIVATE KEY-----",
        "AKIA",
        "aws key '",
        "a.a-",
        "at ",
        "(at) ",
        "a(at)a(dot)",
    ),
    *("password = 'x", "token : a a a ", "secret.b.b:", "[\"'a", "author = ['", "Copyright Jane Doe "),
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_hostile_text_takes_time_in_proportion(piece: str):
    # A search that grew with the square of the line would not come back.
    line = piece * (100_000 // len(piece))
    lines = (piece * (40 // len(piece) + 1) + "\n") * 2500
    outcomes = make_safe([line, lines], ["a.py", "b.py"], RULES)
    assert len(outcomes) == 2


def test_a_file_that_is_all_candidates_is_dropped():
    rng = random.Random(1)
    text = "".join(f"pw = '{rng.randrange(10**9)}'\n" for _ in range(60_000))
    (outcome,) = make_safe([text], ["a.py"], RULES)
    assert outcome.rejection is not None and outcome.rejection[0] == "too much to look at"


def test_nothing_is_asked_over_the_network(monkeypatch: pytest.MonkeyPatch):
    plugins = pytest.importorskip("detect_secrets.plugins.base")
    for cls in [plugins.BasePlugin, *plugins.BasePlugin.__subclasses__(), *plugins.RegexBasedDetector.__subclasses__()]:
        monkeypatch.setattr(cls, "verify", lambda *_, **__: pytest.fail("asked"))
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("connected"))
    found = make_safe([f'slack = "xoxb-739201846520-8402957316048-{KEY}"\n'], ["a.py"], SafetyRules(secrets="drop"))
    assert found[0].rejection == ("secret", "1 found")


def test_lone_surrogates_do_not_move_lines():
    text = "\ud800é\n# jane@corp.io\n"
    assert safe(text) == "\ud800é\n# <EMAIL>\n"


def test_nothing_is_written_of_what_was_found():
    (outcome,) = make_safe([f'api_key = "{KEY}"\n'], ["a.py"], SafetyRules(secrets="drop"))
    assert KEY not in repr((outcome.rejection, outcome.findings))
