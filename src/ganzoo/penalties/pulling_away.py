"""A term of the generator that pulls the features of its samples apart."""

from torch import Tensor, nn
from torch.nn import functional

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.context import Context
from ganzoo.penalties.features import discriminator_features
from ganzoo.precision import at_least_float32


@defaults_from("penalty/pulling_away")
class PullingAway(Penalty):
    """The mean squared cosine between the features of two samples of a generated batch.

    EBGAN's repelling regularizer (Zhao et al. 2017, arXiv:1609.03126, section 2.4): with features
    ``s_i`` of N generated samples,

        1 / (N (N - 1)) sum over i and j != i of (s_i . s_j / (|s_i| |s_j|))^2,

    between 0, where they are orthogonal, and 1, where they are all on one line. It is the
    generator's, so that the discriminator keeps its features.

    The features are the code of a discriminator that has an ``encoder``, as in the paper, else the
    input of the last layer. Departure: pairs are those that pass through the networks
    together, on one device. A single sample costs 0.

    Args:
        term: see :class:`~ganzoo.penalties.base.Penalty`.

    Raises:
        InputError: if a number is out of range; later, if the discriminator has no linear or
            convolution layer.
    """

    role = "generator"

    def value(self, context: Context) -> Tensor:
        """Compare the samples of the generated batch."""
        return mean_squared_cosine(_features(context, context.fake))


def mean_squared_cosine(features: Tensor) -> Tensor:
    """The mean over pairs of two of the features ``[N, F]``: a scalar in [0, 1]; 0 of one alone."""
    directions = functional.normalize(features, dim=1)
    cosines = (directions @ directions.T).triu(diagonal=1)
    return cosines.square().sum() / max(1, len(features) * (len(features) - 1) / 2)


def _features(context: Context, data: Tensor) -> Tensor:
    modules = [] if context.discriminator is None else context.discriminator.modules()
    encoders = [getattr(module, "encoder", None) for module in modules]
    encoder = next((found for found in encoders if isinstance(found, nn.Module)), None)
    if encoder is None:
        return discriminator_features(context, data)
    codes: list[Tensor] = []
    with encoder.register_forward_hook(lambda module, inputs, code: codes.append(code)):
        context.score(data)
    return at_least_float32(codes[-1]).view(len(data), -1)
