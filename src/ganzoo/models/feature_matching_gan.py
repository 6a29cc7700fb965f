"""GAN whose generator matches the mean features of real data."""

import torch
from torch import Tensor

from ganzoo.defaults import defaults_from
from ganzoo.losses.base import LossTerms
from ganzoo.models.gan import GAN
from ganzoo.penalties.context import Context
from ganzoo.penalties.features import discriminator_features
from ganzoo.strategies.across_devices import mean_across_devices


@defaults_from("model/feature_matching_gan")
class FeatureMatchingGAN(GAN):
    """Feature matching: the generator brings the mean features of its data to those of real data.

    Salimans et al. (2016), "Improved Techniques for Training GANs", section 3.1 (arXiv
    1606.03498): the generator minimises ``||E f(x) - E f(G(z))||^2``, where f are activations of
    an intermediate layer of the discriminator, and the discriminator plays its usual game. The
    generator does not see the logits, so that it does not run after a discriminator that it has
    already fooled.

    The expectations are means over the batch, of all devices together; each part of a batch that
    is accumulated has means of its own. So the term depends on the batch size B: where both
    distributions are the same it is about 2 / B times the sum of the features' variances.

    Departures: f is the input of the discriminator's last layer, after its activation; the paper
    leaves the layer open. The real data are those of the last discriminator update.

    Batch normalisation in the discriminator would hide differences of means, since it brings
    each batch to the same one by itself.

    Raises:
        InputError: in the first update, if the discriminator has no linear or convolution layer.
    """

    def generator_losses(self, context: Context) -> LossTerms:
        """The squared distance of the mean features of real and of generated data."""
        return {"feature_matching": feature_matching(context)}


def feature_matching(context: Context) -> Tensor:
    """``||E f(x) - E f(G(z))||^2`` over all devices, with features of the discriminator."""
    with torch.no_grad():
        theirs = discriminator_features(context, context.real).mean(dim=0)
    mine = discriminator_features(context, context.fake).mean(dim=0)
    (difference,) = mean_across_devices([mine - theirs])
    return difference.square().sum()
