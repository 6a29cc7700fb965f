"""A term of the generator that pulls the features of its samples apart."""

from torch import Tensor, nn
from torch.nn import functional

from ganzoo.defaults import defaults_from
from ganzoo.penalties.base import GamePenalty
from ganzoo.penalties.features import last_hidden_features
from ganzoo.penalties.scene import Scene
from ganzoo.precision import at_least_float32


@defaults_from("penalty/pulling_away")
class PullingAway(GamePenalty):
    """The mean squared cosine between the features of two samples of a generated batch.

    EBGAN's repelling regularizer (Zhao et al. 2017, arXiv:1609.03126, section 2.4): with features
    ``s_i`` of N generated samples,

        1 / (N (N - 1)) sum over i and j != i of (s_i . s_j / (|s_i| |s_j|))^2,

    between 0, where they are orthogonal, and 1, where they are all on one line. It is the
    generator's, so that the discriminator keeps its features.

    The features are the code of a discriminator that has an ``encoder``, as in the paper, else the
    input of the last layer. Departures: the generated batch is fresh, not that of the loss; pairs
    are those that pass through the networks together, on one device. A single sample costs 0.

    Args:
        weight: of the term, at least 0.
        interval: every how many updates of the generator.

    Raises:
        InputError: if a number is out of range; later, if the discriminator has no linear or
            convolution layer.
    """

    player = "generator"

    def value(self, scene: Scene) -> Tensor:
        """Compare the samples of a fresh batch, as large as the real one."""
        fake = scene.generator(scene.latents(len(scene.real)))
        return mean_squared_cosine(_features(scene, fake))


def mean_squared_cosine(features: Tensor) -> Tensor:
    """The mean over pairs of two of the features ``[N, F]``: a scalar in [0, 1]; 0 of one alone."""
    directions = functional.normalize(features, dim=1)
    cosines = (directions @ directions.T).triu(diagonal=1)
    return cosines.square().sum() / max(1, len(features) * (len(features) - 1) / 2)


def _features(scene: Scene, data: Tensor) -> Tensor:
    network = scene.networks["discriminator"]
    encoders = [getattr(module, "encoder", None) for module in network.modules()]
    encoder = next((found for found in encoders if isinstance(found, nn.Module)), None)
    if encoder is None:
        return last_hidden_features(network, scene.discriminator, data)
    codes: list[Tensor] = []
    with encoder.register_forward_hook(lambda module, inputs, code: codes.append(code)):
        scene.discriminator(data)
    return at_least_float32(codes[-1]).view(len(data), -1)
