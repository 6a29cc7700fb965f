"""How often networks run in a step: what is looked at twice is computed once, the rest never."""

import copy
from collections import Counter
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn.functional import softplus

from ganzoo.augment import Augmentation
from ganzoo.losses import AverageComparison, Relativistic
from ganzoo.models.acgan import ACGAN
from ganzoo.models.adversarial_autoencoder import AdversarialAutoencoder
from ganzoo.models.bigan import BiGAN
from ganzoo.models.feature_matching_gan import FeatureMatchingGAN
from ganzoo.models.info_gan import InfoGAN
from ganzoo.models.vae_gan import VAEGAN
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.conditional import LabelCodeGenerator
from ganzoo.networks.encoders import CodeClassifier, Encoder, GaussianEncoder
from ganzoo.networks.label_codes import OneHotLabels
from ganzoo.optim import Alternating
from ganzoo.penalties import (
    R1,
    R2,
    ApproximateR1,
    BalancedConsistency,
    Consistency,
    GradientPenalty,
    LeCam,
)

SGD = partial(torch.optim.SGD, lr=0.1)
ALWAYS = {"weight": 0.1, "interval": 1}


class Counted(Alternating):
    """Counts, for each player, how often each of some modules runs in its step."""

    def __init__(self, **modules):
        self.passes, self.now = {}, Counter()
        for name, module in modules.items():
            module.register_forward_hook(partial(self._count, name))

    def _count(self, name, *_):
        self.now[name] += 1

    def step(self, players):
        for player in players:
            self.now.clear()
            super().step([player])
            self.passes[player.name] = dict(self.now)


class Half(Augmentation):
    def forward(self, data):
        return data / 2


@pytest.fixture
def counted(gan, trainer, batches):
    """How often the named modules run in the steps of one iteration, by the players' names."""

    def count(*args, labels=None, extra=None, **parts):
        model = gan(*args, optimizers=SGD, **parts)
        modules = {"discriminator": model.discriminator, "generator": model.generator}
        for name in {"encoder", "classifier"} & {name for name, _ in model.named_children()}:
            modules[name] = getattr(model, name).network
        model.update_rule = Counted(**modules, **(extra or {}))
        trainer(1).fit(model, batches(8, 2, labels=labels))
        return model.update_rule.passes

    return count


@pytest.mark.parametrize(
    ("penalties", "passes"),
    [
        ({}, 2),
        ({"r1": R1(**ALWAYS)}, 2),
        ({"r2": R2(**ALWAYS)}, 2),
        ({"r1": R1(**ALWAYS), "r2": R2(**ALWAYS)}, 2),
        ({"lecam": LeCam(**ALWAYS)}, 2),
        ({"r1": R1(**ALWAYS), "r2": R2(**ALWAYS), "lecam": LeCam(**ALWAYS)}, 2),
        ({"c": Consistency(**ALWAYS)}, 3),
        ({"b": BalancedConsistency(**ALWAYS)}, 4),
        ({"r1": R1(**ALWAYS), "r2": R2(**ALWAYS), "b": BalancedConsistency(**ALWAYS)}, 4),
        ({"a": ApproximateR1(**ALWAYS)}, 3),
        ({"gp": GradientPenalty(**ALWAYS)}, 3),
        ({"gp": GradientPenalty(**ALWAYS), "r1": R1(**ALWAYS)}, 3),
    ],
    ids=lambda value: "+".join(value) or "none" if isinstance(value, dict) else str(value),
)
def test_penalties_share_the_passes_of_the_loss(counted, penalties, passes):
    """Only data that the loss does not look at cost a pass: augmented, moved or between."""
    found = counted(penalties=penalties)
    assert found == {
        "discriminator": {"discriminator": passes, "generator": 1},
        "generator": {"discriminator": 1, "generator": 1},
    }


@pytest.mark.parametrize("augmentations", [{}, {"halved": Half()}], ids=["plain", "augmented"])
def test_a_step_with_shared_passes_is_that_of_separate_ones(gan, trainer, batches, augmentations):
    """R1, R2 and consistency by hand, each with a pass of its own."""
    model = gan(
        augmentations=augmentations,
        optimizers=SGD,
        penalties={
            "r1": R1(weight=0.5, interval=1),
            "r2": R2(weight=0.7, interval=1),
            "c": Consistency(weight=0.3, interval=1, augmentation=Half()),
        },
    )
    by_hand, generator = copy.deepcopy(model.discriminator), copy.deepcopy(model.generator)
    torch.manual_seed(1)
    trainer(1).fit(model, batches(8, 2))
    torch.manual_seed(1)
    (real,) = next(iter(batches(8, 2)))
    fake = generator(torch.randn(8, 4)).detach()

    def shown(data):
        return by_hand(data / 2 if augmentations else data)

    def steepness(data):
        data = data.clone().requires_grad_()
        (slopes,) = torch.autograd.grad(shown(data).sum(), data, create_graph=True)
        return slopes.square().sum(1).mean() / 2

    loss = softplus(-shown(real)).mean() + softplus(shown(fake)).mean()
    loss = loss + 0.5 * steepness(real) + 0.7 * steepness(fake)
    loss = loss + 0.3 * (shown(real) - shown(real / 2)).square().mean()
    slopes = torch.autograd.grad(loss, list(by_hand.parameters()))
    for mine, before, slope in zip(
        model.discriminator.parameters(), by_hand.parameters(), slopes, strict=True
    ):
        torch.testing.assert_close(mine, before - 0.1 * slope)


def test_the_generators_step_looks_at_real_data_where_its_loss_does(counted):
    half = Half()
    alone = counted(augmentations={"halved": half}, extra={"augmentation": half})
    assert alone["discriminator"]["augmentation"] == 2
    assert alone["generator"] == {"generator": 1, "discriminator": 1, "augmentation": 1}
    compared = counted(
        augmentations={"halved": half}, extra={"augmentation": half}, loss=RELATIVISTIC
    )
    assert compared["generator"] == {"generator": 1, "discriminator": 2, "augmentation": 2}


RELATIVISTIC = Relativistic(comparison=AverageComparison())


def test_features_are_matched_without_logits_of_their_own(counted):
    found = counted(FeatureMatchingGAN)
    assert found["generator"] == {"generator": 1, "discriminator": 2}


def test_the_class_of_real_data_is_not_looked_for_in_the_generators_step(counted):
    generator = LabelCodeGenerator(
        network=lambda latent_dim: nn.Linear(latent_dim, 2),
        latent_dim=4,
        label_code=OneHotLabels(num_classes=3),
    )
    found = counted(
        ACGAN, generator=generator, discriminator=nn.Linear(2, 4), num_classes=3, labels=3
    )
    assert found["discriminator"] == {"generator": 1, "discriminator": 2}
    assert found["generator"] == {"generator": 1, "discriminator": 1}


def encoder(kind=Encoder):
    return kind(network=lambda outputs: nn.Linear(2, outputs), latent_dim=4)


def pairs():
    return nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1))


@pytest.mark.parametrize(
    ("kind", "parts", "passes"),
    [
        (
            BiGAN,
            {"encoder": encoder(), "discriminator": pairs()},
            {
                "discriminator": {"encoder": 1, "generator": 1, "discriminator": 2},
                "encoder": {"encoder": 1, "discriminator": 1},
                "generator": {"generator": 1, "discriminator": 1},
            },
        ),
        (
            AdversarialAutoencoder,
            {"encoder": encoder(), "discriminator": nn.Linear(4, 1)},
            {
                "discriminator": {"encoder": 1, "discriminator": 2},
                "encoder": {"encoder": 1, "generator": 1, "discriminator": 1},
                "generator": {"encoder": 1, "generator": 1},
            },
        ),
        (
            VAEGAN,
            {"encoder": encoder(GaussianEncoder)},
            {
                "encoder": {"encoder": 1, "generator": 1, "discriminator": 2},
                "discriminator": {"encoder": 1, "generator": 2, "discriminator": 3},
                "generator": {"encoder": 1, "generator": 2, "discriminator": 4},
            },
        ),
    ],
    ids=["bigan", "adversarial_autoencoder", "vae_gan"],
)
def test_encoders_run_where_a_loss_uses_them(counted, kind, parts, passes):
    """VAE/GAN's generator: logits of both fakes, and features of data and reconstructions."""
    assert counted(kind, **parts) == passes


def test_the_classifier_looks_at_samples_once(counted):
    prior = CodePrior(latent_dim=4, categories=[3], continuous=1)
    found = counted(
        InfoGAN,
        latent_prior=prior,
        classifier=CodeClassifier(network=lambda outputs: nn.Linear(2, outputs), prior=prior),
        information_weights={"categorical": 1.0, "continuous": 0.1},
    )
    assert found == {
        "discriminator": {"generator": 1, "discriminator": 2},
        "classifier": {"generator": 1, "classifier": 1},
        "generator": {"generator": 1, "discriminator": 1, "classifier": 1},
    }
