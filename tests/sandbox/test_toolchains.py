"""Finding what builds and runs a language, and saying what is absent."""

import os
from pathlib import Path

import pytest

from codegem.sandbox import jvm, toolchain, toolchains
from codegem.sandbox.limits import SandboxError
from codegem.text import languages


def test_names_are_those_of_the_table_of_languages():
    assert set(toolchains.LANGUAGES) <= {known.name for known in languages.LANGUAGES}
    assert len(toolchains.LANGUAGES) == 8


def test_what_is_absent_is_said_with_the_way_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(toolchains, "program", lambda name: None)
    monkeypatch.setattr(jvm, "kotlin_home", lambda: None)
    for language in toolchains.LANGUAGES:
        why = toolchains.missing(language)
        assert (why == "") == (language == "python")
        assert language == "python" or (why.startswith("no ") and "install" in why)
    monkeypatch.setattr(toolchains, "program", lambda name: Path("/usr/bin/x"))
    assert toolchains.missing("kotlin").startswith("no kotlinc: ") and "npm pack" in toolchains.missing("kotlin")
    toolchains._find.cache_clear()
    assert toolchains.find("kotlin") is None and toolchains.find("cobol") is None
    toolchains._find.cache_clear()


def test_where_kotlin_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("CODEGEM_KOTLIN", raising=False)
    monkeypatch.setattr(jvm, "program", lambda name: None)
    assert jvm.kotlin_home() is None
    cached = tmp_path / "cache" / "codegem" / "toolchains" / "kotlin-compiler" / "package"
    for home in (cached, tmp_path / "own"):
        (home / "lib").mkdir(parents=True)
        (home / "lib" / "kotlin-compiler.jar").touch()
    assert jvm.kotlin_home() == cached
    monkeypatch.setattr(jvm, "program", lambda name: tmp_path / "own" / "bin" / "kotlinc")
    assert jvm.kotlin_home() == tmp_path / "own"
    monkeypatch.setenv("CODEGEM_KOTLIN", str(cached))
    assert jvm.kotlin_home() == cached
    monkeypatch.setenv("CODEGEM_KOTLIN", str(tmp_path / "nowhere"))
    assert jvm.kotlin_home() == tmp_path / "own"


def test_nobody_s_home_is_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert toolchain.outside(Path("/usr/bin/node")) == ()
    assert toolchain.outside(Path("/opt/node/bin/node")) == (Path("/opt/node"),)
    assert toolchain.outside(tmp_path / "home/bin/node") == (tmp_path / "home/bin/node",)
    assert toolchain.outside(tmp_path / "home/tools/node/bin/node") == (tmp_path / "home/tools/node",)
    assert toolchain.outside(Path("/bin/node")) == (Path("/bin/node"),)


def test_installed_packages_are_hidden():
    import pytest as installed

    python = toolchains.find("python")
    assert python
    place = Path(os.path.realpath(installed.__file__))
    seen = [shown for shown in (*python.read_only, Path("/usr")) if place.is_relative_to(shown)]
    assert not seen or any(place.is_relative_to(folder) for folder in python.hidden)


def test_a_tool_that_fails_is_no_wrong_answer():
    with pytest.raises(SandboxError, match="/bin/false does not work: exit code 1"):
        toolchain.ask("/bin/false")
    with pytest.raises(SandboxError, match="nowhere does not work"):
        toolchain.ask("/nowhere")
    assert toolchain.ask("/bin/sh", "-c", "printf 'a\\377b'") == "a�b"
