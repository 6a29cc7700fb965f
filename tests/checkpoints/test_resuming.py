import logging
import os
import signal

import pytest
import torch

import ganzoo
from ganzoo.checkpoints import io, resuming
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.checkpoints.resuming import (
    LAST,
    PREVIOUS,
    keep_previous,
    newest_readable,
    remove_partial_files,
)
from ganzoo.errors import InputError


@pytest.fixture
def folder(tmp_path, trainer, batches):
    """The checkpoints of a run after two and after three updates."""
    torch.manual_seed(0)
    model = ganzoo.create_model("gan", dataset="ring", overrides=["network.generator.width=8"])
    run = trainer(2, plugins=[AtomicCheckpointIO()])
    run.fit(model, batches(8, 2))
    run.save_checkpoint(tmp_path / LAST)
    run.fit_loop.epoch_loop.max_steps = 3
    run.fit(model, batches(8, 2))
    keep_previous(tmp_path / LAST)
    run.save_checkpoint(tmp_path / LAST)
    return tmp_path


def step(path):
    return torch.load(path, weights_only=True)["global_step"]


def test_the_last_two_are_kept(folder):
    assert (step(folder / LAST), step(folder / PREVIOUS)) == (3, 2)
    assert newest_readable(folder) == folder / LAST


def test_an_unreadable_last_one_gives_way_to_the_one_before(folder, caplog):
    whole = (folder / LAST).read_bytes()
    (folder / LAST).write_bytes(whole[: len(whole) // 2])
    with caplog.at_level(logging.WARNING, "ganzoo"):
        assert newest_readable(folder) == folder / PREVIOUS
    assert "last.ckpt" in caplog.text
    assert "trying the one before" in caplog.text
    keep_previous(folder / LAST)  # the damaged file does not push the good one out
    assert step(folder / PREVIOUS) == 2
    assert (folder / "last.ckpt.damaged").exists()


def test_a_damaged_last_checkpoint_is_loaded_from_the_one_before(folder, caplog):
    good = torch.load(folder / PREVIOUS, weights_only=True)["state_dict"]
    (folder / LAST).write_bytes((folder / LAST).read_bytes()[:5000])
    loaded = ganzoo.load(folder / LAST).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in good.items())
    assert caplog.text.count("trying the one before") == 1
    with pytest.raises(InputError, match="damaged"):
        ganzoo.load((folder / LAST).rename(folder / "mine.ckpt"))


def test_a_flipped_bit_is_noticed(folder):
    whole = bytearray((folder / LAST).read_bytes())
    weights = torch.load(folder / LAST, weights_only=True)["state_dict"]
    needle = weights["generator.layers.0.weight"].numpy().tobytes()[:64]
    whole[whole.index(needle) + 9] ^= 1
    (folder / LAST).write_bytes(whole)
    assert newest_readable(folder) == folder / PREVIOUS


def test_no_checkpoint_yet_and_none_that_can_be_read(tmp_path):
    assert newest_readable(tmp_path) is None
    (tmp_path / LAST).write_bytes(b"nothing")
    with pytest.raises(InputError, match="last.ckpt is damaged"):
        newest_readable(tmp_path)


def test_a_file_system_without_links(folder, monkeypatch):
    def refuse(self, target):
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(type(folder), "hardlink_to", refuse)
    keep_previous(folder / LAST)
    assert step(folder / PREVIOUS) == 3
    assert newest_readable(folder) == folder / PREVIOUS


SYSTEM_CALLS = [
    (resuming.Path, "hardlink_to"),
    (resuming.Path, "replace"),
    (resuming.Path, "open"),
    (io.os, "fsync"),
    (io.torch, "save"),
]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize(("owner", "name"), SYSTEM_CALLS, ids=[name for _, name in SYSTEM_CALLS])
@pytest.mark.parametrize("time", [1, 2])
def test_a_kill_at_any_point_of_a_save_leaves_a_readable_checkpoint(
    folder, owner, name, after, time
):
    """Each call to the system that a save makes is the last thing that a process does."""
    new = torch.load(folder / LAST, weights_only=True) | {"global_step": 4}
    child = os.fork()
    if not child:
        try:
            _kill_at(owner, name, time, after)
            keep_previous(folder / LAST)
            AtomicCheckpointIO().save_checkpoint(new, folder / LAST)
        finally:
            os._exit(0)  # the call was not made that often
    os.waitpid(child, 0)
    found = newest_readable(folder)
    assert found is not None
    assert step(found) >= 3  # nothing that was on the disk is lost
    remove_partial_files(folder)
    assert {path.name for path in folder.iterdir()} <= {LAST, PREVIOUS}


def _kill_at(owner, name, time, after):
    call, calls = getattr(owner, name), []

    def last_call(*rest, **named):
        calls.append(name)
        if len(calls) == time and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        result = call(*rest, **named)
        if len(calls) == time:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, last_call)
