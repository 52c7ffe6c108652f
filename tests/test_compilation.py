from pathlib import Path

import jax
import pytest

from codegem.compilation import cache_directory, enable_compilation_cache


@pytest.fixture(autouse=True)
def settings_as_they_were():
    names = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    before = {name: getattr(jax.config, name) for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


def test_programs_go_to_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    enable_compilation_cache()
    assert Path(jax.config.jax_compilation_cache_dir).parent == tmp_path / "codegem" / "xla"
    assert cache_directory() == tmp_path / "codegem"


def test_the_users_own_choice_stands(tmp_path, monkeypatch):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path))
    enable_compilation_cache()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path)


def test_without_xdg_it_is_in_the_home_directory(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_directory() == Path.home() / ".cache" / "codegem"
