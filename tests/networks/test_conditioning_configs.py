"""Every file in conf/conditioning, with every family of networks."""

import itertools

import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from ganzoo.networks.conditional import LabelCodeDiscriminator, LabelCodeGenerator
from ganzoo.networks.conditional_batch_norm import ConditionalNormGenerator
from ganzoo.networks.projection import ProjectionDiscriminator

CHOICES = group_choices("conditioning")
EVERY_CHOICE = pytest.mark.parametrize("choice", CHOICES)
DATASETS = {"mlp": "ring", "dcgan": "digits", "resnet": "cifar10"}
SMALL = ["model=conditional_gan", "network.generator.width=8", "network.discriminator.width=8"]


def composed(choice, network, *changes):
    data = [f"network={network}", f"dataset={DATASETS[network]}", "latent.latent_dim=6"]
    return compose_config([*SMALL, *data, f"conditioning={choice}", *changes])


@pytest.mark.parametrize(("choice", "network"), itertools.product(CHOICES, DATASETS))
def test_both_networks_come_to_depend_on_the_label(choice, network, trainer):
    """Two iterations with a penalty of the discriminator's gradient, and a moving average."""
    torch.manual_seed(0)
    config = composed(
        choice, network, "penalty=r1", "optimizer.generator.lr=1e-2", "ema=exponential"
    )
    model = build(config.model)
    data = torch.rand(8, *config.dataset.shape) * 2 - 1
    pairs = TensorDataset(data, torch.arange(8) % config.dataset.num_classes)
    trainer(2).fit(model, DataLoader(pairs, batch_size=4))
    for averaged in (False, True):
        zeros, ones = (model.sample(4, labels=c, seed=0, averaged=averaged) for c in (0, 1))
        assert zeros.isfinite().all()
        assert zeros.shape == data[:4].shape
        assert not torch.allclose(zeros, ones)
    model.eval()
    logits = [model.score_samples(data[:4], torch.full((4,), label)) for label in (0, 1)]
    assert logits[0].shape == (4,)
    assert not torch.allclose(*logits)


@EVERY_CHOICE
def test_a_checkpoint_s_weights_make_the_same_samples(choice):
    config = composed(choice, "dcgan")
    torch.manual_seed(0)
    model, other = build(config.model), build(config.model)
    other.load_state_dict(model.state_dict())
    labels = [0, 1, 2, 3]
    assert torch.equal(
        other.sample(4, labels=labels, seed=0), model.sample(4, labels=labels, seed=0)
    )


@EVERY_CHOICE
def test_data_without_classes_are_refused_in_one_line(choice):
    with pytest.raises(InputError, match="needs a data set with classes") as error:
        build(composed(choice, "mlp", "dataset.num_classes=null").model)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("choice", "generator", "discriminator"),
    [
        ("concatenation", LabelCodeGenerator, LabelCodeDiscriminator),
        ("conditional_batch_normalization", ConditionalNormGenerator, LabelCodeDiscriminator),
        ("projection", ConditionalNormGenerator, ProjectionDiscriminator),
    ],
)
def test_each_name_stands_for_its_networks(choice, generator, discriminator):
    model = build(composed(choice, "mlp").model)
    assert type(model.generator) is generator
    assert type(model.discriminator) is discriminator


def test_both_embeddings_have_the_dimension_that_is_set_once():
    change = "conditioning.generator.label_code.embedding_dim=3"
    model = build(composed("embedding", "mlp", change).model)
    weights = [
        network.label_code.embedding.weight for network in (model.generator, model.discriminator)
    ]
    assert [weight.shape[1] for weight in weights] == [3, 3]
    assert weights[0] is not weights[1]
