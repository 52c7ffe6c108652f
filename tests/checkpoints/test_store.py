import errno
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from codegem.checkpoints.store import Store
from codegem.errors import UserError

IDENTITY = {"recipe": {"steps": 10, "model": {"d_model": 16}}, "data": "1a2b"}


def state(value: float):
    return {
        "weights": jnp.full((40, 50), value),
        "moments": (jnp.full((3,), value, jnp.bfloat16), jnp.zeros((), jnp.int32)),
    }


class Saved:
    """A store with checkpoints of steps 1, 2, … whose arrays hold the step."""

    def __init__(self, directory: Path, steps: int):
        self.said: list[str] = []
        self.store = Store(directory / "checkpoints", IDENTITY, self.said.append)
        self.folder = directory / "checkpoints"
        for step in range(1, steps + 1):
            self.store.save(step, state(step), {"step": step, "data": {"next_index": step}})

    def restored_step(self) -> int:
        restored = self.store.restore(state(0))
        assert restored is not None
        step = restored.position["step"]
        jax.tree.map(lambda got, want: np.testing.assert_array_equal(got, want), restored.state, state(step))
        assert restored.position["data"] == {"next_index": step}
        return step


def test_there_is_nothing_to_restore_at_first(tmp_path):
    assert Store(tmp_path / "absent", IDENTITY, print).restore(state(0)) is None


def test_the_last_is_restored_and_two_are_kept(tmp_path):
    saved = Saved(tmp_path, 4)
    assert saved.restored_step() == 4
    assert saved.store.steps() == [3, 4]
    assert saved.said == []


def test_a_step_can_be_saved_again(tmp_path):
    saved = Saved(tmp_path, 2)
    saved.store.save(2, state(7), {"step": 7, "data": {"next_index": 7}})
    assert saved.restored_step() == 7


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    if content:
        content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize("damage", [cut, flip, Path.unlink])
def test_whatever_file_is_damaged_a_whole_state_comes_back(tmp_path_factory, damage):
    passed_over, number = 0, 0
    while True:
        saved = Saved(tmp_path_factory.mktemp("damaged"), 2)
        found = sorted(path for path in (saved.folder / "2").rglob("*") if path.is_file())
        if number >= len(found):  # how many files Orbax makes differs from save to save
            break
        damage(found[number])
        if saved.restored_step() == 1:
            passed_over += 1
            assert len(saved.said) == 1
            assert saved.said[0].startswith("The checkpoint of step 2 is damaged (")
            assert saved.store.steps() == [1]
        number += 1
    assert passed_over >= number - 3  # an empty file can't be cut


def test_a_checkpoint_that_was_cut_while_written_has_no_name(tmp_path):
    saved = Saved(tmp_path, 2)
    (saved.folder / "2").rename(saved.folder / "2.unfinished")
    assert saved.restored_step() == 1
    saved.store.save(2, state(2), {"step": 2, "data": {"next_index": 2}})
    assert sorted(path.name for path in saved.folder.iterdir()) == ["1", "2"]


def test_where_every_checkpoint_is_damaged_nothing_is_thrown_away(tmp_path):
    saved = Saved(tmp_path, 2)
    for path in list(saved.folder.rglob("*")):
        if path.is_file():
            cut(path)
    with pytest.raises(UserError, match=r"Every checkpoint in .* is damaged: remove that folder to start"):
        saved.store.restore(state(0))
    assert saved.store.steps() == [1, 2]


def test_another_identity_is_refused_with_what_differs(tmp_path):
    folder = Saved(tmp_path, 1).folder
    other = Store(folder, {"recipe": {"steps": 10, "model": {"d_model": 32}}, "data": "9z"}, print)
    with pytest.raises(UserError) as refused:
        other.restore(state(0))
    assert "step 1" in str(refused.value)
    assert "data was 1a2b and is 9z, recipe.model.d_model was 16 and is 32" in str(refused.value)
    assert "choose another --out" in str(refused.value)


def test_a_full_disk_leaves_the_checkpoints_as_they_were(tmp_path, monkeypatch):
    saved = Saved(tmp_path, 2)

    def fill_up(path, *args, **kwargs):
        (path.parent / f"{path.name}.orbax-checkpoint-tmp").mkdir()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(saved.store._orbax, "save", fill_up)
    with pytest.raises(UserError, match=r"step 3 could not be written to .*: no space left on the disk"):
        saved.store.save(3, state(3), {"step": 3})
    assert sorted(path.name for path in saved.folder.iterdir()) == ["1", "2"]
    assert saved.restored_step() == 2


def test_too_little_room_is_seen_before_writing(tmp_path, monkeypatch):
    saved = Saved(tmp_path, 1)
    monkeypatch.setattr("codegem.checkpoints.store.shutil.disk_usage", lambda path: type("Usage", (), {"free": 100}))
    with pytest.raises(UserError, match="it needs 0 MB, and 0 MB are free"):
        saved.store.save(2, state(2), {"step": 2})
    assert saved.restored_step() == 1


def test_other_arrays_are_refused_even_where_changes_are_accepted(tmp_path):
    saved = Saved(tmp_path, 1)
    other = Store(saved.folder, IDENTITY, saved.said.append, accept_changes=True)
    with pytest.raises(UserError, match=r"The checkpoint in .*1 has other arrays than the run: weights\. Choose"):
        other.restore({**state(0), "weights": jnp.zeros((40, 51))})
    with pytest.raises(UserError, match=r"other arrays than the run: more\. Choose another --out"):
        other.restore({**state(0), "more": jnp.zeros(1)})
