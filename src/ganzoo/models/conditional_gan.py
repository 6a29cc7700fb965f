"""Conditional GAN."""

from ganzoo.defaults import defaults_from
from ganzoo.models.gan import GAN
from ganzoo.sampling.class_conditional import ClassConditional


@defaults_from("model/conditional_gan")
class ConditionalGAN(ClassConditional, GAN):
    """Conditional GAN: both networks are told the class.

    Mirza and Osindero (2014), "Conditional Generative Adversarial Nets", equation 2 (arXiv
    1411.1784): min_G max_D E[log D(x | y)] + E[log(1 - D(G(z | y) | y))]. How a network takes
    the label is the network's own business, see :mod:`ganzoo.networks.conditional`.

    Departures: the generator is trained with the labels of the real batch, so that both see the
    data's class frequencies; the paper leaves their distribution open.

    Args:
        num_classes: Number of classes of the data, labels run from 0 to ``num_classes - 1``.
        game: Arguments of :class:`~ganzoo.models.gan.GAN`; both networks are called with the
            data (or latents) and the labels.

    Raises:
        InputError: if the data set has no classes, or samples are packed or replayed.
    """

    needs_classes = True
