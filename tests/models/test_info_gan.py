"""The bound of Chen et al. against known posteriors, and the digits that codes find."""

import copy
import math
from functools import partial

import pytest
import torch
from lightning.pytorch import seed_everything
from torch import nn
from torch.nn.functional import log_softmax, softplus

from ganzoo.callbacks.codes import clustering_accuracy
from ganzoo.composition.compose import build, compose_config
from ganzoo.composition.create import build_model
from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.models.info_gan import InfoGAN
from ganzoo.networks.code_prior import CodePrior
from ganzoo.networks.encoders import CodeClassifier

SGD = partial(torch.optim.SGD, lr=0.05)
PRIOR = CodePrior(latent_dim=6, categories=[3], continuous=1)


@pytest.fixture
def model(gan):
    def make(**changes):
        classifier = CodeClassifier(network=lambda outputs: nn.Linear(2, outputs), prior=PRIOR)
        settings = {
            "generator": nn.Linear(6, 2),
            "latent_prior": PRIOR,
            "classifier": classifier,
            "information_weights": {"categorical": 0.6, "continuous": 0.2},
            "optimizers": dict.fromkeys(("classifier", "discriminator", "generator"), SGD),
        }
        return gan(InfoGAN, **(settings | changes))

    return make


def test_equation_6_written_out_by_hand(model, trainer, batches, take_step, assert_same_weights):
    game = model()
    classifier, discriminator, generator = (
        copy.deepcopy(part) for part in (game.classifier, game.discriminator, game.generator)
    )
    torch.manual_seed(1)
    trainer(2).fit(game, batches(8, 2))

    torch.manual_seed(1)
    steppers = [SGD(part.parameters()) for part in (discriminator, classifier, generator)]
    stream = iter(batches(8, 2))

    def misses(latents):
        out = classifier.network(generator(latents))
        categorical = -(log_softmax(out[:, :3], 1) * latents[:, :3]).sum(1).mean()
        mean, log_variance = out[:, 3], 10 * torch.tanh(out[:, 4] / 10)
        squares = (latents[:, 3] - mean) ** 2 / log_variance.exp()
        return categorical, ((squares + log_variance + math.log(2 * math.pi)) / 2).mean()

    for _ in range(2):
        (data,) = next(stream)
        fake = generator(PRIOR.sample(8)).detach()
        loss = softplus(-discriminator(data)).mean() + softplus(discriminator(fake)).mean()
        take_step(steppers[0], loss)
        take_step(steppers[1], sum(misses(PRIOR.sample(8))))
        latents = PRIOR.sample(8)
        categorical, continuous = misses(latents)
        fooled = softplus(-discriminator(generator(latents))).mean()
        take_step(steppers[2], fooled + 0.6 * categorical + 0.2 * continuous)

    mine = game.classifier, game.discriminator, game.generator
    assert_same_weights(mine, (classifier, discriminator, generator))


def test_the_bound_is_the_entropy_where_codes_can_be_read_off(model):
    """A generator that shows its category, and a Q that knows it: the information is log 3."""
    shown = nn.Linear(6, 3, bias=False)
    with torch.no_grad():
        shown.weight.copy_(torch.eye(3, 6))
    prior = CodePrior(latent_dim=6, categories=[3], continuous=0)
    read = CodeClassifier(network=lambda outputs: nn.Linear(3, outputs), prior=prior)
    with torch.no_grad():
        read.network.weight.copy_(40 * torch.eye(3))
        read.network.bias.zero_()
    game = model(generator=shown, classifier=read, latent_prior=prior)

    def missed():
        context = game.context(Minibatch({"real": torch.zeros(500, 2), "labels": None}, 500))
        return game.classifier_losses(context)["categorical"].item()

    assert prior.entropy - missed() == pytest.approx(math.log(3), abs=1e-6)
    with torch.no_grad():
        read.network.weight.zero_()
    assert prior.entropy - missed() == pytest.approx(0, abs=1e-6)


def test_what_does_not_fit_is_refused(model):
    with pytest.raises(InputError, match="set model.information_weights of continuous"):
        model(information_weights={"categorical": 1.0})
    with pytest.raises(InputError, match="categorical must be zero or a positive"):
        model(information_weights={"categorical": -1.0, "continuous": 0.0})


@pytest.mark.slow
def test_the_code_finds_the_digits_without_labels(trainer, until):
    config = compose_config(["experiment=info_gan_digits"])
    seed_everything(config.seed, verbose=False)
    model = build_model(config, "info_gan", "digits")
    data = build(config.dataset.datamodule)
    real, labels = data.real(1797, 0)

    def found(model):
        model.eval()
        with torch.no_grad():
            codes = model.classifier.recovered(real)
        return clustering_accuracy(codes, labels) >= 0.6

    early = until(found, every_n_steps=250)
    trainer(config.trainer.max_steps, callbacks=[early], log_every_n_steps=100).fit(
        model, datamodule=data
    )
    assert found(model)
