"""Which checkpoints are evaluated, in which order, and which are refused."""

import copy
import hashlib

import pytest
import torch

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError
from ganzoo.evaluation.checkpoints import find_checkpoints, list_checkpoints
from ganzoo.evaluation.environment import choose_device, versions


@pytest.fixture(scope="module")
def models():
    small = ["network.generator.width=4", "network.discriminator.width=4"]
    return {
        name: ganzoo.create_model("gan", dataset=name, overrides=small) for name in ("ring", "grid")
    }


@pytest.fixture
def save(models, tmp_path):
    """Write an untrained model as if it were of some step; its weights tell the number."""

    def write(name, step, *, dataset="ring", weights=None, **fields):
        path = tmp_path / name
        model = models[dataset]
        saved = {"global_step": step, "epoch": 0}
        model.on_save_checkpoint(saved)
        weights = step if weights is None else weights
        state = model.state_dict()
        saved["state_dict"] = {key: torch.full_like(value, weights) for key, value in state.items()}
        saved["ganzoo"] = copy.deepcopy(saved["ganzoo"])
        saved["ganzoo"]["configuration"]["dataset"] |= fields
        AtomicCheckpointIO().save_checkpoint(saved, path)
        return path

    return write


def test_steps_decide_the_order_and_hashes_tell_the_files(save, tmp_path):
    paths = [save("b.ckpt", 300), save("a.ckpt", 2000), save("c.ckpt", 40)]
    found = find_checkpoints([tmp_path], ganzoo.load)
    assert [one.step for one in found] == [40, 300, 2000]
    hashes = {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}
    assert {one.path: one.sha256 for one in found} == hashes
    assert [(one.model, one.dataset, one.shape) for one in found] == [("gan", "ring", [2])] * 3


def test_a_runs_folder_stands_for_its_checkpoints(save, tmp_path):
    save("run/checkpoints/a.ckpt", 1)
    save("run/checkpoints/.b.ckpt", 2)
    (tmp_path / "run" / "elsewhere.ckpt").write_text("")
    (tmp_path / "run" / "checkpoints" / "notes.txt").write_text("")
    (tmp_path / "latest").symlink_to("run")
    assert list_checkpoints([tmp_path / "run"]) == [tmp_path / "run/checkpoints/a.ckpt"]
    assert len(list_checkpoints([tmp_path / "run", tmp_path / "latest"])) == 1


def test_equal_weights_of_the_same_step_and_folder_count_once(save, tmp_path):
    save("one/best.ckpt", 5)
    save("one/last.ckpt", 5)
    save("one/other.ckpt", 5, weights=6)
    save("one/later.ckpt", 7, weights=5)
    save("two/best.ckpt", 5)
    found = find_checkpoints([tmp_path / "one", tmp_path / "two"], ganzoo.load)
    names = [str(one.path.relative_to(tmp_path)) for one in found]
    assert names == ["one/best.ckpt", "one/other.ckpt", "two/best.ckpt", "one/later.ckpt"]


def test_a_damaged_last_one_gives_way_to_the_one_before(save, tmp_path):
    save("previous.ckpt", 3)
    path = save("last.ckpt", 5)
    path.write_bytes(path.read_bytes()[:-100])
    assert [one.path.name for one in find_checkpoints([tmp_path], ganzoo.load)] == ["previous.ckpt"]


def test_checkpoints_of_several_data_sets(save):
    places = [save("a.ckpt", 1), save("b.ckpt", 2, dataset="grid")]
    with pytest.raises(InputError, match=r"is of ring \[2\], .*b.ckpt of grid \[2\]"):
        find_checkpoints(places, ganzoo.load)


@pytest.mark.parametrize("step", [None, -1, "3", 2**64, True])
def test_a_step_that_is_none(save, step):
    path = save("a.ckpt", 1)
    saved = torch.load(path, weights_only=True) | {"global_step": step}
    torch.save(saved, path)
    with pytest.raises(InputError, match="does not say at which step"):
        find_checkpoints([path], ganzoo.load)


@pytest.mark.parametrize("shape", [None, "2", [0], [2.0], [True], [[2]]])
def test_a_shape_that_is_none(save, shape):
    with pytest.raises(InputError, match="does not say of which shape"):
        find_checkpoints([save("a.ckpt", 1, shape=shape)], ganzoo.load)


def test_a_file_that_is_replaced_in_between(save):
    (found,) = find_checkpoints([save("a.ckpt", 1)], ganzoo.load)
    save("a.ckpt", 2)
    with pytest.raises(InputError, match="changed while it was read"):
        found.load(torch.device("cpu"))


def test_a_file_that_is_replaced_while_it_is_read(save, monkeypatch):
    from ganzoo.evaluation import checkpoints

    path, read = save("a.ckpt", 1), checkpoints.read_or_previous

    def slow(place):
        found = read(place)
        save("a.ckpt", 2)
        return found

    monkeypatch.setattr(checkpoints, "read_or_previous", slow)
    with pytest.raises(InputError, match="changed while it was read"):
        find_checkpoints([path], ganzoo.load)


def test_which_weights_make_the_samples_is_said(save):
    (found,) = find_checkpoints([save("a.ckpt", 1)], ganzoo.load)
    model = found.load(torch.device("cpu"))
    samples = model.evaluation_samples(None, count=3, real_labels=None, seed=0)
    assert samples.protocol == {"samples": "of latents", "weights": "raw"}  # points have no average


def test_devices():
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type in {"cpu", "cuda", "mps"}
    for name in ("tpu", "cuda:99", "cpu:x", 3.5):
        with pytest.raises(InputError, match="there is no device"):
            choose_device(name)


def test_versions_are_those_that_are_installed():
    found = versions()
    assert found["torch"].split("+")[0] == torch.__version__.split("+")[0]
    assert found["ganzoo"] == ganzoo.__version__
