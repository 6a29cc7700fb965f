"""The choice of what a discriminator is told of a whole batch, beside each sample.

A choice is a stateless object; the modules it makes belong to the network and stand just before
its last linear layer. They tie the samples of a batch together: a logit depends on the others and
on their number, in evaluation as in training, and where data pass in parts each part is a batch.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import check_positive, check_whole
from ganzoo.precision import at_least_float32


class BatchStatistics:
    """What networks ask of batch statistics. By itself it adds nothing."""

    def layer(self, features: int) -> tuple[nn.Module, int]:
        """Return a module from hidden features [B, F] to [B, F'], and F'.

        Args:
            features: F.
        """
        return nn.Identity(), features


class NoBatchStatistics(BatchStatistics):
    """Each sample is judged by itself, as in Goodfellow et al. 2014 (arXiv 1406.2661)."""


@defaults_from("network/batch_statistics/minibatch_discrimination")
class MinibatchDiscrimination(BatchStatistics):
    """Tell how close each sample is to the others (Salimans et al. 2016, arXiv 1606.03498).

    See `Closeness`, the module it makes.

    Args:
        kernels: learnt measures of closeness (B in the paper), features added.
        kernel_dimension: coordinates that each of them compares (C in the paper).

    Raises:
        InputError: if a number is not whole and positive.
    """

    def __init__(self, *, kernels: int = FROM_CONFIG, kernel_dimension: int = FROM_CONFIG) -> None:
        check_whole(kernels=kernels, kernel_dimension=kernel_dimension)
        self.kernels, self.kernel_dimension = kernels, kernel_dimension

    def layer(self, features: int) -> tuple[nn.Module, int]:
        """Return a `Closeness`, which appends one feature for each kernel."""
        module = Closeness(
            features=features, kernels=self.kernels, kernel_dimension=self.kernel_dimension
        )
        return module, features + self.kernels


@defaults_from("network/batch_statistics/minibatch_standard_deviation")
class MinibatchStandardDeviation(BatchStatistics):
    """Tell how much the samples vary (Karras et al. 2018, arXiv 1710.10196).

    See `MeanDeviation`, the module it makes.

    Args:
        group_size: samples that are compared with one another (the authors' code takes 4).
        eps: added to the variance, so that the gradient of a collapsed batch is finite.

    Raises:
        InputError: if group_size is not whole and positive, or eps not positive.
    """

    def __init__(self, *, group_size: int = FROM_CONFIG, eps: float = FROM_CONFIG) -> None:
        check_whole(group_size=group_size)
        check_positive(eps=eps)
        self.group_size, self.eps = group_size, eps

    def layer(self, features: int) -> tuple[nn.Module, int]:
        """Return a `MeanDeviation`, which appends one feature."""
        return MeanDeviation(group_size=self.group_size, eps=self.eps), features + 1


class Closeness(nn.Module):
    """Append to each sample's features how close it is to the rest of the batch.

    Salimans et al. 2016 (arXiv 1606.03498), section 3.2: a learnt matrix T of each sample's
    features, M_i = f(x_i) T in R^{B x C}, and

        o(x_i)_b = sum over j of exp(-||M_{i,b} - M_{j,b}||_1),

    which is large where many samples are alike, as those of a collapsed generator are.

    Departure: j = i is left out, which would add the constant 1. Computed in float32 also where
    the network runs in half precision. N samples need N * N * B * C numbers to differentiate.
    Spectral normalisation does not reach T.

    Args:
        features: F.
        kernels: B.
        kernel_dimension: C.
    """

    def __init__(self, *, features: int, kernels: int, kernel_dimension: int) -> None:
        super().__init__()
        self.projection = nn.Linear(features, kernels * kernel_dimension, bias=False)
        self.kernels = kernels

    def forward(self, features: Tensor) -> Tensor:
        """Map features [N, F] to [N, F + B]; what is added lies between 0 and N - 1."""
        with torch.autocast(features.device.type, enabled=False):
            exact = at_least_float32(features)
            rows = functional.linear(exact, self.projection.weight.to(exact.dtype))
            rows = torch.unflatten(rows, 1, (self.kernels, -1))
            distances = (rows.unsqueeze(0) - rows.unsqueeze(1)).abs().sum(dim=3)
            closeness = torch.exp(-distances).sum(dim=1) - 1
        return torch.cat([features, closeness.to(features.dtype)], dim=1)


class MeanDeviation(nn.Module):
    """Append to the features of a group of samples their mean standard deviation.

    Karras et al. 2018 (arXiv 1710.10196), section 3: the standard deviation of each feature over
    the samples, averaged over the features, is one more feature, the same for all samples. A batch
    is cut into consecutive groups of group_size; where that does not divide it, and where it is
    the smaller, the whole batch is one group, as in the paper.

    Departure: it is taken of the flattened features before the last linear layer, and appended to
    them, rather than of the last convolution's maps as one more map. Computed in float32 also
    where the network runs in half precision.

    Args:
        group_size: samples in a group.
        eps: added to the variance.
    """

    def __init__(self, *, group_size: int, eps: float) -> None:
        super().__init__()
        self.group_size, self.eps = group_size, eps

    def forward(self, features: Tensor) -> Tensor:
        """Map features [N, F] to [N, F + 1]."""
        divides = len(features) % self.group_size == 0
        size = self.group_size if divides else len(features)
        groups = torch.unflatten(at_least_float32(features), 0, (-1, size))
        variances = groups.var(dim=1, correction=0)
        deviations = (variances + self.eps).sqrt().mean(dim=1)
        column = deviations.repeat_interleave(size).unsqueeze(1)
        return torch.cat([features, column.to(features.dtype)], dim=1)
