"""The objectives of Odena et al., and the classes that come out."""

import pytest
import torch
from lightning.pytorch import seed_everything
from sklearn.datasets import load_digits
from sklearn.svm import SVC
from torch import nn
from torch.nn.functional import log_softmax, softplus

from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model
from ganzoo.errors import InputError
from ganzoo.models.acgan import ACGAN
from ganzoo.networks.conditional import LabelCodeGenerator
from ganzoo.networks.label_codes import OneHotLabels

LABELS = torch.tensor([0, 2, 1, 1, 0, 2])


@pytest.fixture
def acgan(gan):
    def make(outputs=4, **changes):
        settings = {
            "generator": LabelCodeGenerator(
                network=lambda latent_dim: nn.Linear(latent_dim, 2),
                latent_dim=4,
                label_code=OneHotLabels(num_classes=3),
            ),
            "discriminator": nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, outputs)),
            "num_classes": 3,
            "classification_weight": 0.5,
        }
        return gan(ACGAN, **(settings | changes))

    return make


def test_equations_2_and_3_written_out_by_hand(acgan, context_of):
    model = acgan()
    real, fake = torch.randn(2, 6, 2)
    outputs = {"real": model.discriminator(real), "fake": model.discriminator(fake)}
    missed = {
        name: -log_softmax(out[:, 1:], 1)[range(6), LABELS].mean() for name, out in outputs.items()
    }
    expected = {
        "real": softplus(-outputs["real"][:, 0]).mean(),
        "fake": softplus(outputs["fake"][:, 0]).mean(),
        "classification": 0.5 * (missed["real"] + missed["fake"]),
    }
    torch.testing.assert_close(
        model.discriminator_losses(context_of(model, real, LABELS, fake=fake)), expected
    )
    expected = {
        "adversarial": softplus(-outputs["fake"][:, 0]).mean(),
        "classification": 0.5 * missed["fake"],
    }
    torch.testing.assert_close(
        model.generator_losses(context_of(model, real, LABELS, fake=fake)), expected
    )


def test_the_source_is_judged_whatever_the_class(acgan):
    model, data = acgan(), torch.randn(6, 2)
    torch.testing.assert_close(model.score(data, LABELS), model.score(data, LABELS.flip(0)))


def test_what_does_not_fit_is_refused(acgan, trainer, batches):
    with pytest.raises(InputError, match="a conditional model needs a data set with classes"):
        acgan(num_classes=None)
    with pytest.raises(InputError, match=r"\[B, 4\], not \[2, 3\]: set network.discriminator.out"):
        trainer(1).fit(acgan(outputs=3), batches(6, 2, labels=3))
    with pytest.raises(InputError, match="its batches must be pairs"):
        trainer(1).fit(acgan(), batches(6, 2))


def share_of_right_classes(model):
    """Of 1,000 digits whose classes were asked for, the share that a classifier agrees with."""
    real, labels = load_digits(return_X_y=True)
    wanted = torch.arange(1000) % 10
    fake = (model.sample(1000, labels=wanted, seed=0).flatten(1).numpy() + 1) * 8
    return (SVC().fit(real, labels).predict(fake) == wanted.numpy()).mean()


QUICK = [
    "network.generator.width=32",
    "optimizer.lr=1e-3",
    "network.latent.latent_dim=32",
    "optimizer.ema.decay=0.99",
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "own"),
    [
        ("acgan", ["trainer.max_steps=400"]),
        ("conditional_gan", ["trainer.max_steps=400"]),
        ("conditional_gan", ["network.conditioning=embedding", "trainer.max_steps=400"]),
        (
            "conditional_gan",
            ["network.conditioning=conditional_batch_normalization", "trainer.max_steps=400"],
        ),
        ("conditional_gan", ["network.conditioning=projection", "trainer.max_steps=400"]),
    ],
    ids=["acgan", "concatenation", "embedding", "conditional_batch_normalization", "projection"],
)
def test_digits_are_of_the_class_that_was_asked_for(name, own, trainer, until):
    config = compose_config([f"model={name}", "dataset=digits", *QUICK, *own])
    seed_everything(0, verbose=False)
    model = build_model(config, name, "digits")
    early = until(lambda model: share_of_right_classes(model) >= 0.85, every_n_steps=100)
    trainer(config.trainer.max_steps, callbacks=[early], log_every_n_steps=50).fit(
        model, datamodule=build(config.dataset.datamodule)
    )
    assert share_of_right_classes(model) >= 0.85
