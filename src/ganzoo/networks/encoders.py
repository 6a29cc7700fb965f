"""Networks from data to what data may have been made from: codes, their distribution, classes.

Any discriminator does for it: each encoder builds one with as many outputs as it needs.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from ganzoo.errors import InputError, check_whole
from ganzoo.networks.code_prior import CodePrior, LatentParts
from ganzoo.precision import at_least_float32

# Of log-variances: deviations lie between exp(-5) and exp(5).
LARGEST_LOG_VARIANCE = 10.0


class CodeNetwork(nn.Module, ABC):
    """A network from data to what may have been their codes.

    Args:
        network: builds the network when called with outputs; all else is bound already.
        latent_dim: Z.

    Attributes:
        outputs_per_code: of the network, for each number of a code.

    Raises:
        InputError: if latent_dim is not whole and positive.
    """

    outputs_per_code: int

    def __init__(self, *, network: Callable[..., nn.Module], latent_dim: int) -> None:
        super().__init__()
        check_whole(latent_dim=latent_dim)
        self.width = self.outputs_per_code * latent_dim
        self.network = network(outputs=self.width)

    @abstractmethod
    def codes(self, data: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] to their likeliest codes [B, Z]."""

    def outputs(self, data: Tensor) -> Tensor:
        """Return the network's outputs in float32 or better, also in mixed precision."""
        return _rows(self.network, data, self.width)


class Encoder(CodeNetwork):
    """A deterministic encoder, as in adversarial autoencoders and BiGAN.

    Makhzani et al. 2016 (arXiv 1511.05644), section 2; Donahue et al. 2017 (arXiv 1605.09782).
    """

    outputs_per_code = 1

    def forward(self, data: Tensor) -> Tensor:
        """Map points [B, D] or images [B, C, H, W] to codes [B, Z] in float32 or better."""
        return self.outputs(data)

    def codes(self, data: Tensor) -> Tensor:
        """Map data to their codes [B, Z]."""
        return self.outputs(data)


class DiagonalGaussian(NamedTuple):
    """Normal distributions with independent coordinates.

    Attributes:
        mean: [B, Z].
        log_variance: [B, Z], natural logarithms.
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self) -> Tensor:
        """Draw [B, Z] as mean + deviation * noise, so that gradients reach both.

        Kingma and Welling 2014 (arXiv 1312.6114), section 2.4; noise comes from torch's global
        random state.
        """
        return self.mean + torch.exp(self.log_variance / 2) * torch.randn_like(self.mean)

    def divergence(self) -> Tensor:
        """Return the Kullback-Leibler divergence [B] from the standard normal, in nats.

        Kingma and Welling 2014 (arXiv 1312.6114), appendix B.
        """
        squares = self.mean.square() + torch.exp(self.log_variance)
        return (squares - self.log_variance - 1).sum(dim=1) / 2

    def negative_log_likelihood(self, values: Tensor) -> Tensor:
        """Return -log N(values | mean, variance) [B] in nats, summed over the coordinates."""
        squares = (at_least_float32(values) - self.mean).square() * torch.exp(-self.log_variance)
        return (squares + self.log_variance + math.log(2 * math.pi)).sum(dim=1) / 2


class GaussianEncoder(CodeNetwork):
    """An encoder of data into a normal distribution of codes each, as in variational autoencoders.

    Kingma and Welling 2014 (arXiv 1312.6114), appendix C.2.

    Departure: log-variances are 10 tanh(x / 10) of the network's outputs x, which hardly changes
    those that occur and keeps the others from overflowing.
    """

    outputs_per_code = 2

    def forward(self, data: Tensor) -> DiagonalGaussian:
        """Map points [B, D] or images [B, C, H, W] to distributions of codes [B, Z].

        Both tensors are float32 or better, also in mixed precision.
        """
        return _gaussian(self.outputs(data))

    def codes(self, data: Tensor) -> Tensor:
        """Map data to the means [B, Z] of these distributions."""
        mean: Tensor = self(data).mean
        return mean


class CodePosterior(NamedTuple):
    """What data tell of the codes of a `CodePrior` that they were made from.

    Attributes:
        logits: [B, K_i] for each categorical code.
        continuous: of the M continuous codes, each tensor [B, M].
    """

    logits: list[Tensor]
    continuous: DiagonalGaussian


class CodeClassifier(nn.Module):
    """InfoGAN's recognition network Q: from data to a distribution of each code.

    Chen et al. 2016 (arXiv 1606.03657), section 6: a softmax for each categorical code, a factored
    normal distribution for the continuous ones.

    Departures: the paper's Q has all of D's layers but the last in common with it; here it is a
    network of its own, so that it goes with any discriminator. Log-variances are limited as in
    `GaussianEncoder`.

    Args:
        network: builds the network when called with outputs; all else is bound already.
        prior: of the codes.

    Raises:
        InputError: if it is a prior without codes.
    """

    def __init__(self, *, network: Callable[..., nn.Module], prior: CodePrior) -> None:
        super().__init__()
        if not isinstance(prior, CodePrior):
            raise InputError(
                "there are no codes to recover in these latents: set network.latent=codes"
            )
        self.prior = prior
        self.network = network(outputs=sum(prior.categories) + 2 * prior.continuous)

    def forward(self, data: Tensor) -> CodePosterior:
        """Map points [B, D] or images [B, C, H, W] to distributions, in float32 or better."""
        categories, of_continuous = self.prior.categories, 2 * self.prior.continuous
        outputs = _rows(self.network, data, sum(categories) + of_continuous)
        *logits, continuous = torch.split(outputs, [*categories, of_continuous], dim=1)
        return CodePosterior(logits, _gaussian(continuous))

    def negative_log_likelihoods(self, data: Tensor, codes: LatentParts) -> dict[str, Tensor]:
        """Return -E[log Q(c | x)] of the codes that data were made from, equation 5 without H(c).

        Args:
            data: points [B, D] or images [B, C, H, W].
            codes: as the prior's ``codes`` splits latents [B, Z].

        Returns:
            Means over the batch in nats, scalars: ``categorical``, the sum over these codes, and
            ``continuous``, the sum over those; each if the prior has such codes. What the prior's
            ``entropies`` exceed them by bounds the mutual information from below.
        """
        posterior = self(data)
        found = {}
        if self.prior.categories:
            found["categorical"] = cross_entropies(posterior.logits, codes.categories)
        if self.prior.continuous:
            likelihoods = posterior.continuous.negative_log_likelihood(codes.continuous)
            found["continuous"] = likelihoods.mean()
        return found

    def recovered(self, data: Tensor) -> Tensor:
        """Return the likeliest values int64 [B] of the first categorical code.

        Raises:
            InputError: if there is none.
        """
        if not self.prior.categories:
            raise InputError("no code is categorical: set latent.categories, as in [10]")
        first: Tensor = self(data).logits[0]
        return first.argmax(dim=1)


def cross_entropies(logits: Sequence[Tensor], categories: Sequence[Tensor]) -> Tensor:
    """Return the sum over codes of the mean cross-entropy, in nats, a scalar.

    Args:
        logits: [B, K_i] for each code.
        categories: int64 [B] for each code.
    """
    pairs = zip(logits, categories, strict=True)
    return torch.stack([cross_entropy(scores, values) for scores, values in pairs]).sum()


def _gaussian(outputs: Tensor) -> DiagonalGaussian:
    mean, raw = outputs.chunk(2, dim=1)
    return DiagonalGaussian(mean, LARGEST_LOG_VARIANCE * torch.tanh(raw / LARGEST_LOG_VARIANCE))


def _rows(network: nn.Module, data: Tensor, width: int) -> Tensor:
    """Run a network that drops the second axis of [B, 1]."""
    outputs: Tensor = network(data)
    return at_least_float32(outputs.reshape(len(data), width))
