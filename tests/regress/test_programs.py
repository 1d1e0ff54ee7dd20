"""Compiled programs are kept in a folder, and the options of JAX are put back."""

import threading

import jax
import jax.numpy as jnp
import pytest

from numerate.regress import _programs
from numerate.regress._programs import VARIABLE, kept_programs, searching

OPTIONS = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")


@pytest.fixture
def without_cache(monkeypatch):
    """JAX as a user has it: without a folder of its own."""
    before = {name: jax.config.values[name] for name in OPTIONS}
    _programs._set({OPTIONS[0]: None, OPTIONS[1]: 1.0})
    monkeypatch.setattr(_programs, "_SHORTEST", 0.0)
    with searching():
        yield
    _programs._set(before)


def compile_a_program():
    jax.jit(lambda x: jnp.sin(x) @ jnp.cos(x.T))(jnp.ones((3, 3))).block_until_ready()


def options():
    return [jax.config.values[name] for name in OPTIONS]


def test_programs_are_kept_and_old_ones_removed(tmp_path, monkeypatch, without_cache):
    folder = tmp_path / "programs"
    monkeypatch.setenv(VARIABLE, str(folder))
    with kept_programs():
        with kept_programs():
            compile_a_program()
        assert options()[0] == str(folder)  # the outer one goes on
    assert options() == [None, 1.0]
    assert any(folder.iterdir())
    monkeypatch.setattr(_programs, "_MOST_BYTES", 0)
    with pytest.raises(KeyError), kept_programs():  # also after an error
        assert not any(folder.iterdir())
        raise KeyError
    assert options() == [None, 1.0]


def test_other_folders_are_left_alone(tmp_path, monkeypatch, without_cache):
    file = tmp_path / "file"
    file.touch()
    for unusable in ("off", str(file)):
        monkeypatch.setenv(VARIABLE, unusable)
        with kept_programs():
            assert options() == [None, 1.0]
    _programs._set({OPTIONS[0]: str(tmp_path / "mine")})
    monkeypatch.setenv(VARIABLE, str(tmp_path / "other"))
    with kept_programs():
        compile_a_program()
    assert options()[0] == str(tmp_path / "mine")
    assert not (tmp_path / "other").exists()


def test_options_are_put_back_though_a_training_is_left_behind(monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "programs"))
    before, begun, end = options(), threading.Event(), threading.Event()
    _programs._set({OPTIONS[0]: None})

    def train():
        with kept_programs():
            begun.set()
            end.wait()

    thread = threading.Thread(target=train)
    with searching():
        thread.start()
        begun.wait()
        assert options()[0] == str(tmp_path / "programs")
    assert options()[0] is None
    with kept_programs():  # what else was left behind sets none
        assert options()[0] is None
    with searching(), kept_programs():
        end.set()
        thread.join()
        assert options()[0] == str(tmp_path / "programs")
    assert options()[0] is None
    _programs._set(dict(zip(OPTIONS, before, strict=True)))
