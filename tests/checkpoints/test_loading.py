import pickle
import re

import pytest
import torch

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.checkpoints.reading import read
from ganzoo.checkpoints.trust import check_configuration
from ganzoo.errors import InputError


@pytest.fixture
def saved(tmp_path, trainer, batches):
    """A trained model and its checkpoint."""
    torch.manual_seed(0)
    model = ganzoo.create_model("wgan_gp", dataset="ring", overrides=["network.generator.width=8"])
    run = trainer(2, plugins=[AtomicCheckpointIO()])
    run.fit(model, batches(20, 2))
    path = tmp_path / "model.ckpt"
    run.save_checkpoint(path)
    return model, path


def test_the_file_alone_rebuilds_the_model(saved):
    model, path = saved
    loaded = ganzoo.load(path)
    assert type(loaded) is type(model)
    assert not loaded.training
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name
    assert torch.equal(loaded.sample(5, seed=1), model.sample(5, seed=1))


def test_nothing_is_left_beside_a_checkpoint(saved):
    _, path = saved
    assert [file.name for file in path.parent.iterdir()] == ["model.ckpt"]


def test_a_failed_write_keeps_the_checkpoint_before(saved, monkeypatch):
    _, path = saved
    before = path.read_bytes()

    def full(checkpoint, file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(OSError, match="No space left"):
        AtomicCheckpointIO().save_checkpoint({}, path)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == ["model.ckpt"]


def test_objects_of_your_own_are_asked_for_again_and_plain_settings_are_not(
    tmp_path, trainer, batches
):
    own = torch.nn.Linear(2, 2)
    model = ganzoo.create_model("gan", dataset="ring", generator=own, batch_keys={"data": "place"})
    run = trainer(1, plugins=[AtomicCheckpointIO()])
    run.fit(model, batches(8, 2))
    path = tmp_path / "model.ckpt"
    run.save_checkpoint(path)
    with pytest.raises(InputError, match=r"load\(path, generator=<Linear>\)"):
        ganzoo.load(path)
    loaded = ganzoo.load(path, generator=torch.nn.Linear(2, 2))
    assert torch.equal(loaded.generator.weight, own.weight)


def rewritten(path, change):
    checkpoint = torch.load(path, weights_only=True)
    change(checkpoint)
    torch.save(checkpoint, path)
    return path


def test_a_version_mismatch_is_named(saved):
    path = rewritten(saved[1], lambda c: c["ganzoo"].update(version="0.0.7"))
    with pytest.raises(InputError, match=re.escape("written by ganzoo 0.0.7, this is")):
        ganzoo.load(path)


def test_a_file_of_another_program(tmp_path):
    torch.save({"weights": torch.zeros(2)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="was not written by ganzoo"):
        ganzoo.load(tmp_path / "other.pt")


def test_a_truncated_file(saved):
    _, path = saved
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match="is damaged"):
        ganzoo.load(path)


def test_a_missing_file(tmp_path):
    with pytest.raises(InputError, match="there is no checkpoint at"):
        read(tmp_path / "nothing.ckpt")


class Bomb:
    def __reduce__(self):
        return (open, ("exploded", "w"))


@pytest.mark.parametrize("dump", [torch.save, lambda o, p: p.write_bytes(pickle.dumps(o))])
def test_a_pickle_that_runs_code_is_refused_and_nothing_runs(tmp_path, monkeypatch, dump):
    monkeypatch.chdir(tmp_path)
    dump({"state_dict": Bomb(), "ganzoo": {}}, tmp_path / "bomb.ckpt")
    with pytest.raises(InputError, match=r"bomb\.ckpt"):
        ganzoo.load(tmp_path / "bomb.ckpt")
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.Popen",
        "torch.hub.load",
        "ganzoo.checkpoints.io.os.system",
        "ganzoo.checkpoints.trust.importlib.import_module",
        "ganzoo.composition.loading.Path",
        "torch.nn.modules.module.warnings.warn",
        "ganzoo.checkpoints.reading.read",
    ],
)
def test_a_configuration_that_names_anything_else_is_refused(saved, target):
    def hide(checkpoint):
        checkpoint["ganzoo"]["configuration"]["model"]["penalties"] = {"a": [{"_target_": target}]}

    with pytest.raises(InputError, match="not trusted|does not exist"):
        ganzoo.load(rewritten(saved[1], hide))


def test_interpolations_are_refused():
    with pytest.raises(InputError, match="interpolation"):
        check_configuration({"clip_value": "${oc.env:HOME}"}, ())


def test_what_the_user_trusts_is_allowed():
    settings = {"_target_": "collections.OrderedDict"}
    with pytest.raises(InputError, match=r"pass trusted=\['collections'\]"):
        check_configuration(settings, ())
    check_configuration(settings, ("collections",))
