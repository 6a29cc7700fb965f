"""What a discriminator's outputs say about the distance of real and generated data."""

from functools import singledispatch

import torch
from torch import Tensor

from ganzoo.losses.base import AdversarialLoss
from ganzoo.losses.drift import Drift
from ganzoo.losses.f_gan import FGAN
from ganzoo.losses.minimax import Minimax
from ganzoo.losses.top_k import TopK
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.metrics.wasserstein import Wasserstein1
from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.models.gan import GAN
from ganzoo.theory import estimators

MOST_DIMENSIONS = 3
"""Of points whose distances as such mean something, and whose true value is computed."""


@singledispatch
def estimates(loss: AdversarialLoss, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    """The estimates that belong to a loss, by name; see :mod:`ganzoo.theory.estimators`.

    - Minimax and non-saturating (Goodfellow et al. 2014, arXiv:1406.2661, theorem 1):
      ``jensen_shannon_bound``, in nats, and ``distance_from_half``, of all outputs together. With
      label smoothing there are none: the best discriminator is then another, which does not reach
      the divergence and is not 1/2 at the equilibrium.
    - f-GAN (Nowozin et al. 2016, arXiv:1606.00709, equation 4): ``divergence_bound``, of its own
      divergence in its own normalisation.
    - Wasserstein (Arjovsky et al. 2017, arXiv:1701.07875, equation 2): ``wasserstein_estimate``,
      times the critic's Lipschitz constant.
    - With the drift term, or top-k training, those of the loss inside: what they add changes the
      way to a discriminator, not what its outputs bound.
    - All others: none. The critic of Cramer GAN is not the logit but a difference of distances
      of logits, so the means of its logits estimate no Wasserstein distance.

    Args:
        loss: The objective that the discriminator is trained for.
        real_logits: Its outputs ``[B]`` on real data.
        fake_logits: Its outputs ``[B']`` on generated data.

    Returns:
        Scalars.

    Raises:
        InputError: if there are no outputs of one kind, and the loss has estimates.
    """
    return {}


@estimates.register
def _(loss: Minimax, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    if loss.label_smoothing:
        return {}
    together = torch.cat([real_logits, fake_logits])
    return {
        "jensen_shannon_bound": estimators.jensen_shannon_bound(real_logits, fake_logits),
        "distance_from_half": estimators.distance_from_half(together),
    }


@estimates.register
def _(loss: FGAN, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    bound = estimators.divergence_bound(loss.divergence, real_logits, fake_logits)
    return {"divergence_bound": bound}


@estimates.register
def _(loss: Wasserstein, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    return {"wasserstein_estimate": estimators.wasserstein_estimate(real_logits, fake_logits)}


@estimates.register(Drift)
@estimates.register(TopK)
def _(loss: Drift | TopK, real_logits: Tensor, fake_logits: Tensor) -> dict[str, Tensor]:
    return estimates(loss.loss, real_logits, fake_logits)


@singledispatch
def true_values(loss: AdversarialLoss, real: Tensor, samples: Tensor) -> dict[str, Tensor]:
    """What the estimates of a loss would be at best, computed from samples, by name.

    For Wasserstein losses ``wasserstein``, the exact distance of the two sets of samples
    (:class:`~ganzoo.metrics.wasserstein.Wasserstein1`). The estimate on the same samples is at
    most this distance times the critic's Lipschitz constant, which is not known: only under a
    penalty that brings the constant to 1 can the two be compared as they are. The divergences of
    the other losses are of densities and have no value for two finite sets.

    Args:
        loss: The objective.
        real: Real data ``[B, D]``, finite.
        samples: Generated data ``[B', D]``, finite.

    Returns:
        Scalars, in the units of the data.
    """
    return {}


@true_values.register
def _(loss: Wasserstein, real: Tensor, samples: Tensor) -> dict[str, Tensor]:
    metric = Wasserstein1(limit=max(len(real), len(samples)), floor=False)
    return {"wasserstein": metric.distance(real, samples)}


@true_values.register(Drift)
@true_values.register(TopK)
def _(loss: Drift | TopK, real: Tensor, samples: Tensor) -> dict[str, Tensor]:
    return true_values(loss.loss, real, samples)


def estimates_of_game(
    model: GAN, real_logits: Tensor, fake_logits: Tensor, real: Tensor, samples: Tensor
) -> dict[str, float]:
    """The estimates that belong to a game, and their true values where these can be computed.

    None for models that show their discriminator something else than samples, as codes or pairs:
    the outputs on samples are then not those of the game. True values are of finite points of at
    most 3 dimensions, where the discriminator judges the samples as they are, each by itself:
    neither augmented nor packed, nor given a class, since then the critic's estimate is of a
    distance between other distributions.

    Args:
        model: The game.
        real_logits: What ``score_samples`` says ``[B / m]`` of the real data.
        fake_logits: The same of the samples.
        real: Real data ``[B, ...]``.
        samples: Generated data ``[B, ...]``.
    """
    if type(model).score_samples is not GAN.score_samples or not len(real_logits) * len(
        fake_logits
    ):
        return {}
    found = estimates(model.loss, real_logits, fake_logits)
    if _can_be_compared(model, real) and bool(samples.isfinite().all()):
        found = found | true_values(model.loss, real, samples)
    return {name: float(value) for name, value in found.items()}


def _can_be_compared(model: GAN, real: Tensor) -> bool:
    points = real.ndim == 2 and real.shape[1] <= MOST_DIMENSIONS
    alone = model.packing == 1 and not isinstance(model, ConditionalGAN)
    return points and alone and not len(model.augmentations)
