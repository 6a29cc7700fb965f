"""What the command line of an evaluation leaves open, and what a stranger may not put there."""

import copy

import numpy as np
import pytest
import torch
from hydra.core.override_parser.overrides_parser import OverridesParser
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf, open_dict

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.composition.completion import CONFIG, _word, completed_command
from ganzoo.composition.compose import compose_config
from ganzoo.composition.evaluation import build_job
from ganzoo.errors import InputError

QUALITY = ["metrics/features=inception", "metrics=quality"]


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    """What a checkpoint of an untrained model holds; its data set has settings of its own."""
    model = ganzoo.create_model(
        "gan",
        dataset="image_folder",
        overrides=[
            *("network=mlp", "network.generator.width=4", "dataset.image_size=[4,5]"),
            *("dataset.root=my pictures", "dataset.evaluation_samples=30", "+dataset.note=mine"),
            "dataset.datamodule.batch_size=2",
            "dataset.datamodule.source.held_out_root=${oc.env:APART,/apart}",
        ],
    )
    io = AtomicCheckpointIO()
    path = tmp_path_factory.mktemp("original") / "model.ckpt"
    saved = {"state_dict": model.state_dict(), "global_step": 7, "epoch": 0}
    model.on_save_checkpoint(saved)
    io.save_checkpoint(saved, path)
    return path


@pytest.fixture
def path(original, tmp_path, monkeypatch):
    """A copy of that checkpoint in the current folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "model.ckpt").write_bytes(original.read_bytes())
    return tmp_path / "model.ckpt"


@pytest.fixture
def described(path):
    """Change how the checkpoint describes its data set."""

    def change(**fields):
        saved = torch.load(path, weights_only=True)
        saved["ganzoo"]["configuration"]["dataset"].update(fields)
        torch.save(saved, path)

    return change


def test_the_data_set_and_what_was_changed_of_it_come_before_the_users_words(path):
    words = ["--cfg", "job", "checkpoint=model.ckpt", "metrics=fid"]
    completed = completed_command(words)
    assert completed[:2] == words[:2] and completed[-2:] == words[2:]
    added = completed[2:-2]
    assert added[0] == "dataset=image_folder"
    assert set(added[1:]) == {
        "++dataset.root='my pictures'",
        "++dataset.image_size=[4,5]",
        "++dataset.evaluation_samples=30",
        "++dataset.datamodule.batch_size=2",
        "++dataset.datamodule.source.held_out_root='/apart'",
        "++dataset.note='mine'",
    }
    config = compose_config([*added, "checkpoint=model.ckpt", "dataset.image_size=5"], CONFIG)
    assert config.dataset.root == "my pictures" and config.dataset.image_size == 5


@pytest.mark.parametrize(
    "word",
    [
        "checkpoint='model.ckpt'",
        'checkpoint="model.ckpt"',
        "checkpoint=[model.ckpt]",
        "checkpoint=['./model.ckpt', model.ckpt]",
        "checkpoint=.",
    ],
)
def test_every_way_to_write_a_path(path, word):
    assert completed_command([word])[0] == "dataset=image_folder"


def test_a_data_set_that_the_user_names_is_the_users(path):
    words = ["checkpoint=model.ckpt", "dataset=digits"]
    assert completed_command(words) == words
    same = completed_command(["checkpoint=model.ckpt", "dataset=image_folder"])
    assert "++dataset.root='my pictures'" in same and same.count("dataset=image_folder") == 1


def test_a_class_of_the_users_own_is_taken_where_it_is_trusted(described, path):
    (path.parent / "my_pictures.py").write_text("class Mine: pass")
    described(settings={"datamodule.source._target_": "my_pictures.Mine"})
    with pytest.raises(InputError, match="my_pictures.Mine, which is not trusted"):
        completed_command(["checkpoint=model.ckpt"])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(path.parent)
        words = completed_command(["checkpoint=model.ckpt", "trusted=[my_pictures]"])
    assert "++dataset.datamodule.source._target_='my_pictures.Mine'" in words


@pytest.mark.parametrize(
    ("words", "added"),
    [
        (["real=a", "fake=b"], QUALITY),
        (["real=a", "fake=b", "metrics.features=pixels"], QUALITY[1:]),
        (["real=a", "fake=b", "metrics=[fid,kid]"], QUALITY[:1]),
        (["real=a", "fake=b", "dataset=digits"], []),
        (["fake=b", "dataset=digits"], []),
        (
            ["fake=points.npz", "real=b"],
            ["metrics/features=identity", "metrics=[wasserstein,prdc]"],
        ),
        (["fake=images.npz", "real=b"], QUALITY),
        ([], []),
        (["--help"], []),
        (["fake"], []),  # Hydra has something to say of it
        (["-m", "fake=b", "dataset=digits", "seed=0,1"], []),
    ],
)
def test_what_stored_samples_are_measured_by(words, added, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    np.savez("points.npz", samples=np.zeros((3, 2), dtype=np.float32))
    np.savez("images.npz", samples=np.zeros((3, 2, 2), dtype=np.uint8))
    assert completed_command(words) == added + words


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fake=a"], "add real=PATH or dataset=NAME"),
        (["real=a", "fake=b", "metrics.features=[pixels,classifier]"], "add dataset=NAME"),
        (["sedes=3", "fake=a"], "'sedes' is no setting of an evaluation: did you mean 'seeds'"),
        (["trainer.devices=2"], "'trainer' is no setting"),
        (["experiment=digits"], "'experiment' is no setting"),
        (["+model=gan"], "'model' is no setting"),
        (["checkpoint=nothing.ckpt"], "there is no checkpoint at nothing.ckpt"),
        (["checkpoint=a,b"], "checkpoint=a,b is no path: write several as [a,b]"),
        (["real=a", "fake=range(3)"], "fake=range(3) is no path: give one"),
        (["checkpoint=[]"], "the list of checkpoints is empty"),
        (["checkpoint=empty"], "there is no checkpoint (*.ckpt) in empty"),
    ],
)
def test_what_cannot_be_completed_is_refused(words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError) as caught:
        completed_command(words)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": "mnist2"}, "was trained on 'mnist2', which is no dataset here"),
        ({"name": "base/images"}, "which is no dataset here"),
        ({"settings": [("root", "/")]}, "does not describe its data set"),
        ({"settings": {"datamodule._target_": "os.system"}}, "os.system, which is not trusted"),
        ({"settings": {"datamodule.source._target_": "my.Data"}}, "pass trusted=['my']"),
        ({"settings": {"root": {"_target_": "os.system"}}}, "os.system, which is not trusted"),
        ({"settings": {"root": [{"_target_": "os.system"}]}}, "os.system, which is not trusted"),
        ({"settings": {"root": {"a": 3}}}, "to no plain value"),
        ({"settings": {"root": [{"a": 3}]}}, "to no plain value"),
        ({"settings": {"root=a dataset": 3}}, "does not describe its data set"),
        ({"settings": {"two\nlines": 3}}, "does not describe its data set"),
        ({"settings": {3: 3}}, "does not describe its data set"),
        ({"settings": {"root": "${oc.env:HOME}"}}, "holds an interpolation"),
        ({"settings": {"root": "???"}}, "holds an interpolation"),
        ({"settings": {"root": "two\nlines"}}, "to text that is longer than a line"),
        ({"settings": {"image_size": 2**80}}, "to a number of more than 64 bits"),
        ({"settings": {"image_size": torch.tensor(4)}}, "to a Tensor"),
    ],
)
def test_a_stranger_can_choose_plain_values_of_settings_only(described, fields, message):
    described(**fields)
    with pytest.raises(InputError) as caught:
        completed_command(["checkpoint=model.ckpt"])
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(2**63) + 1, 2**63 - 1),
        st.floats(allow_nan=False),
        st.text(st.sampled_from("ab'\"\\ ,=[]{}()$:%#é"), max_size=8),
    )
)
def test_a_value_is_read_as_it_was_written(value):
    """Quotes and backslashes too: no value can end its own quotation."""
    (parsed,) = OverridesParser.create().parse_overrides([f"dataset.root={_word(value)}"])
    assert parsed.value() == value and type(parsed.value()) is type(value)


@pytest.fixture(scope="module")
def composed():
    return compose_config(["dataset=digits", "metrics.features=pixels", "metrics=prdc"], CONFIG)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "give either checkpoint=PATH or fake=PATH"),
        ({"fake": "a", "checkpoint": "b"}, "give either checkpoint=PATH or fake=PATH"),
        ({"fake": "a", "seeds": 0}, "seeds must be a whole number from 1 up, not 0"),
        ({"fake": "a", "seeds": 1.5}, "seeds must be a whole number"),
        ({"fake": "a", "seed": -1}, "seed must be a whole number from 0 up, not -1"),
        ({"fake": "a", "samples": 0}, "samples must be a whole number from 1 up, not 0"),
        ({"fake": "a", "bootstrap.resamples": -1}, "resamples must be"),
        ({"fake": "a", "figures.queries": 0}, "queries must be"),
        ({"fake": "a", "figures.neighbors": "x"}, "neighbors must be"),
        ({"fake": "a", "metrics": {}}, "there are no metrics"),
        ({"fake": "a", "seeds": 2}, "seeds=2 needs a generator"),
        ({"fake": "a", "device": "tpu"}, "there is no device 'tpu' here"),
        ({"fake": "a", "real": "b"}, "there is no folder or file a"),
        ({"fake": "a", "image_size": [3]}, "image_size must be one number or [height, width]"),
        ({"checkpoint": "model.ckpt", "image_size": 3}, "leave it out"),
        (
            {"checkpoint": "model.ckpt"},
            "are [3, 4, 5], real ones [1, 8, 8]: set dataset.channels=3 dataset.image_size=[4,5]",
        ),
        (
            {"checkpoint": "model.ckpt", "dataset.shape": [3, 4, 5], "bootstrap.resamples": 2,
             "metrics.prdc": {"_target_": "ganzoo.metrics.PerceptualPathLength"}},
            "none of these metrics can be bootstrapped",
        ),
    ],
)  # fmt: skip
def test_settings_that_are_wrong(composed, path, changes, message):
    config = copy.deepcopy(composed)
    with open_dict(config):
        for name, value in changes.items():
            OmegaConf.update(config, name, value, merge=False)
    with pytest.raises(InputError) as caught:
        build_job(config)
    assert message in str(caught.value)


def test_a_bootstrap_wraps_what_depends_on_the_choice_of_samples(composed, path):
    from ganzoo.metrics import Bootstrap

    config = copy.deepcopy(composed)
    length = {"pairs": 3, "epsilon": 0.1, "interpolation": "linear", "discard": 0.1, "seed": 0}
    with open_dict(config):
        config.checkpoint, config.dataset.shape = "model.ckpt", [3, 4, 5]
        config.bootstrap.resamples = 7
        config.metrics.length = {"_target_": "ganzoo.metrics.PerceptualPathLength", **length}
    metrics = build_job(config).evaluator.metrics
    assert isinstance(metrics["prdc"], Bootstrap) and metrics["prdc"].resamples == 7
    assert not isinstance(metrics["length"], Bootstrap)
