"""The bound of a VAE against the closed forms of a linear-Gaussian model."""

import math
from functools import partial

import pytest
import torch
from torch import nn
from torch.distributions import MultivariateNormal, Normal, kl_divergence
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.errors import InputError
from ganzoo.game.minibatch import Minibatch
from ganzoo.models.vae import VAE
from ganzoo.networks.encoders import DiagonalGaussian, GaussianEncoder
from ganzoo.networks.latents import Normal as StandardNormal
from ganzoo.networks.latents import Uniform
from ganzoo.optim.gradient_play import Simultaneous
from ganzoo.penalties import R1

DEVIATION = 0.5
# Orthogonal columns make the posterior of the codes factorise, as the encoder's does.
WEIGHT = torch.tensor([[1.0, 0.0], [0.5, -0.4], [0.0, 0.0]])
WEIGHT[:, 1] -= WEIGHT[:, 0] * (WEIGHT[:, 0] @ WEIGHT[:, 1]) / (WEIGHT[:, 0] @ WEIGHT[:, 0])
SHIFT = torch.tensor([0.3, -0.2, 0.1])
ADAM = partial(torch.optim.Adam, lr=1e-2)


class LinearEncoder(nn.Module):
    """The exact posterior of the linear model, off by a shift of its means and log-variances."""

    def __init__(self, off=0.0):
        super().__init__()
        precision = 1 + (WEIGHT**2).sum(0) / DEVIATION**2
        self.gain = nn.Parameter(WEIGHT / DEVIATION**2 / precision)
        self.mean_shift = nn.Parameter(torch.full((2,), off) - SHIFT @ self.gain.detach())
        self.log_variance = nn.Parameter(-precision.log() + off)

    def forward(self, data):
        mean = data @ self.gain + self.mean_shift
        return DiagonalGaussian(mean, self.log_variance.expand_as(mean))

    def codes(self, data):
        return self(data).mean


@pytest.fixture
def vae(gan):
    def make(**changes):
        decoder = nn.Linear(2, 3)
        with torch.no_grad():
            decoder.weight.copy_(WEIGHT)
            decoder.bias.copy_(SHIFT)
        settings = {
            "generator": decoder,
            "encoder": LinearEncoder(),
            "latent_prior": StandardNormal(latent_dim=2),
            "deviation": DEVIATION,
            "optimizers": {"generator": ADAM, "encoder": ADAM},
            "update_rule": Simultaneous(),
        }
        return gan(without_a_discriminator, **(settings | changes))

    return make


OF_A_GAN = {
    "discriminator",
    "loss",
    "augmentations",
    "replay",
    "packing",
    "discriminator_steps",
}


def without_a_discriminator(**parts):
    """A VAE of the fixture's parts but those of a discriminator."""
    return VAE(**{name: part for name, part in parts.items() if name not in OF_A_GAN})


def exact(data):
    """-log p(x) of the linear model."""
    covariance = WEIGHT @ WEIGHT.T + DEVIATION**2 * torch.eye(3)
    return -MultivariateNormal(SHIFT, covariance).log_prob(data)


def points(data):
    return Minibatch({"real": data, "labels": None}, len(data))


def bound(model, point, count=40_000):
    """The negative bound at one point, and its standard error."""
    minibatch = points(point.expand(count // 40, -1))
    with torch.no_grad():
        draws = torch.stack(
            [torch.stack(list(model.encoder_losses(minibatch).values())).sum() for _ in range(40)]
        )
    return draws.mean().item(), draws.std().item() / math.sqrt(40)


POINT = torch.tensor([[0.7, -1.0, 0.4]])


def test_the_bound_is_tight_at_the_exact_posterior(vae):
    torch.manual_seed(0)
    found, error = bound(vae(), POINT)
    assert abs(found - exact(POINT).item()) < 4 * error
    assert error < 0.01


def test_the_bound_misses_by_the_divergence_from_the_posterior(vae):
    """log p(x) - bound = KL(q(z | x) || p(z | x)), the step before equation 1 of the paper."""
    torch.manual_seed(0)
    model = vae(encoder=LinearEncoder(off=0.4))
    q, p = model.encoder(POINT), LinearEncoder()(POINT)
    normals = [Normal(one.mean, (one.log_variance / 2).exp()) for one in (q, p)]
    gap = kl_divergence(*normals).sum().item()
    found, error = bound(model, POINT)
    assert gap > 0.1
    assert abs(found - exact(POINT).item() - gap) < 4 * error


def test_the_divergence_is_torchs(vae):
    posterior = DiagonalGaussian(torch.randn(5, 2), torch.randn(5, 2))
    normal = Normal(posterior.mean, (posterior.log_variance / 2).exp())
    expected = kl_divergence(normal, Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(posterior.divergence(), expected)


def test_gradients_are_those_of_the_bound_in_closed_form(vae):
    """By the encoder's shift of means m: (m (1 + W^T W / s^2)) away from the posterior's mean."""
    torch.manual_seed(0)
    model = vae(encoder=LinearEncoder(off=0.4))
    terms = model.encoder_losses(points(POINT.expand(40_000, -1)))
    torch.stack(list(terms.values())).sum().backward()
    precision = 1 + (WEIGHT**2).sum(0) / DEVIATION**2
    torch.testing.assert_close(model.encoder.mean_shift.grad, 0.4 * precision, rtol=0.02, atol=0.02)
    q = model.encoder.log_variance.exp().detach()
    torch.testing.assert_close(
        model.encoder.log_variance.grad, (precision * q - 1) / 2, rtol=0.05, atol=0.02
    )


@pytest.mark.slow
def test_training_reaches_the_entropy_of_the_data(vae, trainer):
    """No model can have a lower mean of the negative bound than the data's entropy."""
    torch.manual_seed(0)
    covariance = WEIGHT @ WEIGHT.T + DEVIATION**2 * torch.eye(3)
    law = MultivariateNormal(SHIFT, covariance)
    model = vae(
        generator=nn.Linear(2, 3),
        encoder=GaussianEncoder(network=lambda outputs: nn.Linear(3, outputs), latent_dim=2),
    )
    loader = DataLoader(TensorDataset(law.sample((50_000,))), batch_size=256)
    trainer(1200).fit(model, loader)
    data = law.sample((20_000,))
    with torch.no_grad():
        found = sum(model.encoder_losses(points(data)).values()).item()
    assert found == pytest.approx(law.entropy().item(), abs=0.06)


def test_each_player_has_its_terms_and_the_generator_is_counted(vae, trainer, batches):
    model = vae()
    run = trainer(3)
    run.fit(model, batches(8, 3))
    assert run.global_step == 3
    kept = {name for name in model.latest_terms if not name.endswith(("/loss", "_norm"))}
    assert kept == {
        "encoder/reconstruction",
        "encoder/kullback_leibler",
        "generator/reconstruction",
    }


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"deviation": 0.0}, "deviation must be a positive number, not 0.0"),
        ({"latent_prior": Uniform(latent_dim=2)}, "not Uniform: set network.latent=normal"),
        ({"penalties": {"r1": R1(weight=1.0, interval=1)}}, "no player is named 'discriminator'"),
    ],
)
def test_what_does_not_fit_is_refused(vae, changes, words):
    with pytest.raises(InputError, match=words):
        vae(**changes)


def test_a_generator_of_other_data_is_refused(vae, trainer, batches):
    with pytest.raises(InputError, match=r"makes data of shape \[5\], the data set has \[3\]"):
        trainer(1).fit(vae(generator=nn.Linear(2, 5)), batches(8, 3))
