"""A new run that starts with the networks of another one."""

import logging

import pytest
import torch

import ganzoo
from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.errors import InputError

SMALL = [
    "network.generator.max_width=16",
    "network.generator.style_dim=8",
    "network.latent.latent_dim=4",
]


def style(*words, dataset="digits"):
    return ganzoo.create_model("stylegan2", dataset=dataset, overrides=[*SMALL, *words])


@pytest.fixture
def trained(trainer, batches, tmp_path):
    """Train a model for some steps; return it and its checkpoint."""

    def train(model, steps=3, classes=10):
        run = trainer(steps, plugins=[AtomicCheckpointIO()])
        run.fit(model, batches(8, 1, 8, 8, labels=classes))
        run.save_checkpoint(tmp_path / "model.ckpt")
        return model, tmp_path / "model.ckpt"

    return train


def test_all_weights_averages_and_the_mean_of_styles(trained, trainer, batches):
    torch.manual_seed(0)
    old, path = trained(style())
    new = style("optimizer.lr=1e-3")
    ganzoo.transfer(new, path)
    state = new.state_dict()
    assert state.keys() == old.state_dict().keys()
    networks = [name for name in state if not name.startswith("penalties.")]
    for name in networks:
        assert torch.equal(state[name], old.state_dict()[name]), name
    assert float(state["generator.mapping.mean.value"].abs().sum()) > 0
    average = "ema.generator.network.synthesis.constant"
    assert not torch.equal(state[average], state["generator.synthesis.constant"])
    # What adapts to a game, its steps and its optimizers are new.
    adaptive = state.keys() - set(networks)
    assert any(float(old.state_dict()[name].float().abs().sum()) > 0 for name in adaptive)
    assert all(float(state[name].float().abs().sum()) == 0 for name in adaptive)
    run = trainer(1)
    run.fit(new, batches(8, 1, 8, 8, labels=10))
    assert run.global_step == 1 and new.progress.images == 8
    steps = [float(one["step"]) for one in run.optimizers[0].state.values()]
    assert steps == [1] * len(new.players[0].parameters)


def test_averages_that_a_run_has_not_made_are_its_weights(trained):
    words = ["network.generator.width=8", "network.latent.latent_dim=4"]
    plain = [*words, "optimizer.ema=none"]
    old, path = trained(ganzoo.create_model("dcgan", dataset="digits", overrides=plain))
    new = ganzoo.create_model("dcgan", dataset="digits", overrides=words)
    ganzoo.transfer(new, path)
    own = old.generator.state_dict()
    assert all(torch.equal(own[k], v) for k, v in new.ema["generator"].network.state_dict().items())


def test_another_number_of_classes(trained, caplog):
    caplog.set_level(logging.INFO, "ganzoo")
    old, path = trained(style())
    new = style("dataset.num_classes=3")
    before = {name: value.clone() for name, value in new.state_dict().items()}
    ganzoo.transfer(new, path)
    said = [record.getMessage() for record in caplog.records]
    layers = (
        "discriminator.label_mapping.label_code, ema.generator.network.mapping.label_code, "
        "generator.mapping.label_code"
    )
    assert said == [
        f"starting from the weights of step 3 of {path}",
        f"begin anew, because they do not fit: {layers}",
        f"not taken over from the checkpoint: {layers}",
    ]
    for name, value in new.state_dict().items():
        source = before if "label_code.weight" in name else old.state_dict()
        if not name.startswith("penalties."):
            assert torch.equal(value, source[name]), name


def test_from_labels_to_none(trained, trainer, batches, caplog):
    old, path = trained(style())
    new = style("dataset.num_classes=null")
    ganzoo.transfer(new, path)
    assert "begin anew, because they do not fit: discriminator.output" in caplog.text
    assert torch.equal(new.generator.synthesis.constant, old.generator.synthesis.constant)
    trainer(1).fit(new, batches(8, 1, 8, 8))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["network.generator.max_width=8"], "max_width=16, and this run's 8: transfer= needs the"),
        (["network.generator.style_dim=4"], "have generator.style_dim=8, and this run's 4"),
        (["network.generator.mapping_layers=3"], "mapping_layers=2, and this run's 3"),
        (["network.generator.style_dim=4", "dataset.num_classes=3"], "generator.style_dim=8, and"),
        (["dataset.image_size=16"], "samples of size [8, 8], and this run's are of [16, 16]"),
        (["network=dcgan", "network.discriminator=dcgan", "model=dcgan"], "_target_"),
    ],
)
def test_another_architecture_is_refused_and_nothing_changed(trained, words, said):
    _, path = trained(style(), steps=1)
    if "model=dcgan" in words:
        new = ganzoo.create_model("dcgan", dataset="digits")
    else:
        new = style(*words)
    before = {name: value.clone() for name, value in new.state_dict().items()}
    with pytest.raises(InputError) as caught:
        ganzoo.transfer(new, path)
    assert said in str(caught.value) and "\n" not in str(caught.value)
    assert all(torch.equal(before[name], value) for name, value in new.state_dict().items())


def test_networks_of_ones_own(gan, trainer, batches, tmp_path):
    run = trainer(2, plugins=[AtomicCheckpointIO()])
    old = gan()
    run.fit(old, batches(8, 2))
    run.save_checkpoint(tmp_path / "model.ckpt")
    new = gan()
    ganzoo.transfer(new, tmp_path / "model.ckpt")
    assert all(map(torch.equal, new.state_dict().values(), old.state_dict().values()))
    other = gan(generator=torch.nn.Sequential(torch.nn.Linear(4, 9), torch.nn.Linear(9, 2)))
    with pytest.raises(InputError, match="first difference: generator.0.bias"):
        ganzoo.transfer(other, tmp_path / "model.ckpt")


def test_what_is_frozen_must_fit(trained):
    words = ["network.generator.width=8", "network.latent.latent_dim=4"]
    conditional = ganzoo.create_model("conditional_gan", dataset="digits", overrides=words)
    _, path = trained(conditional)
    new = [*words, "dataset.num_classes=3"]
    with pytest.raises(InputError, match="would stay as it is, new and untrained"):
        ganzoo.transfer(
            ganzoo.create_model(
                "conditional_gan",
                dataset="digits",
                overrides=[*new, "freeze_discriminator_layers=1"],
            ),
            path,
        )
    ganzoo.transfer(ganzoo.create_model("conditional_gan", dataset="digits", overrides=new), path)


def test_other_files_are_refused(tmp_path):
    with pytest.raises(InputError, match="there is no checkpoint at"):
        ganzoo.transfer(style(), tmp_path / "nothing.ckpt")
    torch.save({"weights": 3}, tmp_path / "other.ckpt")
    with pytest.raises(InputError, match="was not written by ganzoo"):
        ganzoo.transfer(style(), tmp_path / "other.ckpt")
