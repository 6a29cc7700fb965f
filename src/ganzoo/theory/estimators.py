"""What the discriminator's outputs say about divergences while a game is trained.

Functions of logits or scores ``[B]`` and ``[B']``, in float32 at least; none has parameters, and
all can be differentiated. Means over a batch stand for expectations.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.losses.divergences import Divergence
from ganzoo.precision import at_least_float32


def jensen_shannon_bound(real: Tensor, fake: Tensor) -> Tensor:
    """``(V + ln 4)/2`` with ``V = E log D(x) + E log(1 - D(G(z)))``, a lower bound of JS.

    Goodfellow et al. (2014, arXiv:1406.2661), theorem 1: with the best D it is the Jensen-Shannon
    divergence, from 0 to ln 2; with any other it is less, and negative where D is worse than 1/2
    everywhere. V is to be high for D; the sum of minimax's terms is ``-V``. On a batch that D was
    trained on it is no bound, as D may know the batch by heart.

    Args:
        real: logits ``[B]`` of real data.
        fake: logits ``[B']`` of generated data.

    Returns:
        Scalar, at most ln 2, in nats.

    Raises:
        InputError: if there are no logits of one kind.
    """
    real, fake = _outputs(real, fake)
    value = functional.logsigmoid(real).mean() + functional.logsigmoid(-fake).mean()
    return (value + math.log(4)) / 2


def divergence_bound(divergence: Divergence, real: Tensor, fake: Tensor) -> Tensor:
    """``E T(x) - E f*(T(G(z)))``, a lower bound of an f-divergence: minus the loss of f-GAN.

    Nowozin et al. (2016, arXiv:1606.00709), equation 4.

    Args:
        divergence: that the discriminator is trained for, in its own normalisation.
        real: outputs ``[B]`` of real data, before the activation.
        fake: outputs ``[B']`` of generated data.

    Returns:
        Scalar.

    Raises:
        InputError: if there are no outputs of one kind.
    """
    real, fake = _outputs(real, fake)
    return divergence.activation(real).mean() - divergence.conjugate(fake).mean()


def wasserstein_estimate(real: Tensor, fake: Tensor, lipschitz: Tensor | float = 1.0) -> Tensor:
    """``(E f(x) - E f(G(z))) / K``, a lower bound of W1 for a critic f with Lipschitz constant K.

    Arjovsky et al. (2017, arXiv:1701.07875), equation 2. The first mean is over real data, also
    with a gradient penalty: in Gulrajani et al. (2017, arXiv:1704.00028), equation 3, points
    between real and generated data appear in the penalty only. (A text that the library follows
    has them in the first expectation, a slip.)

    Args:
        real: scores ``[B]`` of real data.
        fake: scores ``[B']`` of generated data.
        lipschitz: K, positive; an estimate from below makes the result one from above. With 1 it
            is the distance in units of the critic's own constant.

    Returns:
        Scalar, in the units of the data; negative where the critic is wrong.

    Raises:
        InputError: if there are no scores of one kind, or K is not positive.
    """
    real, fake = _outputs(real, fake)
    constant = torch.as_tensor(lipschitz, dtype=real.dtype, device=real.device)
    if not bool((constant > 0).all()):
        raise InputError(f"a Lipschitz constant must be positive, not {float(constant.min())}")
    return (real.mean() - fake.mean()) / constant


def distance_from_half(logits: Tensor) -> Tensor:
    """The mean of ``|D - 1/2|`` with ``D = sigmoid(logit)``, from 0 to 1/2.

    0 is a discriminator that cannot tell, as at the equilibrium of Goodfellow et al. (2014,
    arXiv:1406.2661), section 4 (or one that has learned nothing); 1/2 one that is sure of all.

    Args:
        logits: ``[B]``, of real or generated data or both.

    Returns:
        Scalar.

    Raises:
        InputError: if there are no logits.
    """
    (logits,) = _outputs(logits)
    return (logits / 2).tanh().abs().mean() / 2


def _outputs(*batches: Tensor) -> tuple[Tensor, ...]:
    if not all(batch.numel() for batch in batches):
        raise InputError("an estimate needs at least one output of each kind")
    return tuple(at_least_float32(batch) for batch in batches)
