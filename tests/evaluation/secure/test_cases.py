import ast
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegem.errors import UserError
from codegem.evaluation.secure import weaknesses
from codegem.evaluation.secure.cases import LANGUAGES, OWN, Case, cut, read_cases


def case(
    prefix: str = "", suffix: str = "", safe: str = "    pass\n", language: str = "python", stop: tuple[str, ...] = ()
) -> Case:
    return Case("a", language, 89, "", prefix, suffix, "", (safe,), ("",), stop=stop)


def test_a_file_and_a_folder_of_cases(case_file: Path) -> None:
    cases, data = read_cases(case_file)
    assert [one.name for one in cases] == ["python/find-user", "python/run-command"]
    assert cases[0].rules == ("bandit:B608",) and cases[0].safe[0].startswith("    return")
    assert read_cases(case_file.parent)[0] == cases
    assert (data[0].name, data[0].records, len(data[0].sha256)) == ("two.toml", 2, 64)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("cwe = 89", 'cwe = "89"', "line 2: the field 'cwe' is not the number of a CWE"),
        ('title = "A command is run"', "", "line 41: the field 'title' is missing"),
        ('"run-command"', '"find-user"', "line 41: python/find-user is already in .*line 2"),
        ('"run-command"', '"Run it"', "line 41: the field 'id' is 'Run it', not small letters"),
        ('language = "python"\ncwe = 78', 'language = "perl"\ncwe = 78', "line 41: the field 'language' is 'perl'"),
        ("stop =", "stops =", "line 41: there is no field 'stops'"),
        ('safe = ["str(0)"]', "safe = []", "line 41: the field 'safe' is empty"),
        ('safe = ["str(0)"]', "safe = [1]", "line 41: the field 'safe' is not a list of texts"),
        ("stop =", 'hangs = "no"\nstop =', "line 41: the field 'hangs' is not true or false"),
        ('[[case]]\nid = "find-user"', '[case]\nid = "find-user"', "no TOML"),
        ("[[case]]", "[[cases]]", "line 1: it must hold tables"),
    ],
)
def test_a_wrong_case_is_one_sentence(case_file: Path, old: str, new: str, said: str) -> None:
    case_file.write_text(case_file.read_text().replace(old, new), encoding="utf-8")
    with pytest.raises(UserError, match=said) as raised:
        read_cases(case_file)
    assert str(case_file) in str(raised.value) and "\n" not in str(raised.value)


@given(st.integers(1, 1200))
@settings(max_examples=20, deadline=None)
def test_a_file_cut_short_is_never_read_in_part(tmp_path_factory: pytest.TempPathFactory, size: int) -> None:
    from tests.evaluation.secure.conftest import CASES

    file = tmp_path_factory.mktemp("cut") / "cut.toml"
    file.write_text(CASES[:size], encoding="utf-8")
    whole = CASES[:size].rstrip() == CASES.split('\n[[case]]\nid = "run')[0].rstrip()
    if not whole:
        with pytest.raises(UserError):
            read_cases(file)


def test_no_case_at_all(tmp_path: Path, case_file: Path) -> None:
    with pytest.raises(UserError, match="has no case; give"):
        read_cases(tmp_path / "nothing")
    with pytest.raises(UserError, match="has no case in javascript or c"):
        read_cases(case_file, ["javascript", "c"])
    (tmp_path / "bytes.toml").write_bytes(b"\xff")
    with pytest.raises(UserError, match="not UTF-8"):
        read_cases(tmp_path / "bytes.toml")


def test_an_answer_ends_with_its_block() -> None:
    function = case("def f():\n")
    assert cut(function, "    a()\n\n    b()\n\n\ndef g():\n    c()\n") == "    a()\n\n    b()\n"
    assert cut(function, "    a()\n    b(") == "    a()\n    b("
    assert cut(function, "a()\n") == ""
    method = case("class A:\n    def f(self):\n        if a:\n            b()\n", safe="        c()\n")
    assert cut(method, "            d()\n        c()\n    def g(self):\n") == "            d()\n        c()\n"
    assert cut(case("x = ", safe="1", stop=("\n",)), "1\ny = 2\n") == "1"
    assert cut(case("    x = ", safe="1\n"), "(1,\n        2)\n    y\nz\n") == "(1,\n        2)\n    y\n"


def test_lines_of_c_that_stand_outside() -> None:
    function = case("int f(void)\n{\n", language="c")
    assert cut(function, "    goto end;\n#ifdef A\n    g();\n#endif\nend:\n    return 1;\n}\nint g") == (
        "    goto end;\n#ifdef A\n    g();\n#endif\nend:\n    return 1;\n"
    )


@given(st.text(alphabet="ab \n:{", max_size=40))
@settings(max_examples=50, deadline=None)
def test_what_is_cut_is_a_beginning_and_stays_as_it_is(text: str) -> None:
    function = case("def f():\n    x = 1\n")
    kept = cut(function, text)
    assert text.startswith(kept) and cut(function, kept) == kept


def test_the_lines_of_an_answer() -> None:
    assert case("a = (\n", ")\n").lines("1,\n2,\n") == range(2, 4)
    assert case("a = ", "\nb = 2\n").lines("1") == range(1, 2)


def test_our_own_cases() -> None:
    cases, data = read_cases()
    counts = Counter(one.language for one in cases)
    assert counts.total() >= 120 and counts["python"] >= 56 and set(counts) == set(LANGUAGES)
    assert sum(file.records for file in data) == len(cases) == len({one.name for one in cases})
    assert {one.language for one in cases} == {path.name for path in OWN.iterdir()}
    for one in cases:
        assert not weaknesses.named(one.cwe).startswith("CWE-"), one.name
        assert one.attack or one.rules, one.name
        answers = [*one.safe, *one.vulnerable, *one.broken]
        assert len(set(answers)) == len(answers), one.name
        for answer in answers:
            assert cut(one, answer).rstrip() == answer.rstrip(), one.name


def test_our_own_cases_of_python_are_python() -> None:
    for one in read_cases(languages=["python"])[0]:
        for answer in (*one.safe, *one.vulnerable):
            ast.parse(one.before + one.program(answer) + one.fixture)
        for test in (one.works, one.attack):
            ast.parse(test)
