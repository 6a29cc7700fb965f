"""The augmentation pipe of StyleGAN2-ADA."""

import torch
from torch import Tensor

from ganzoo.annealing import Setting
from ganzoo.augment.base import Augmentation
from ganzoo.augment.geometry import check_image_data
from ganzoo.augment.probability import Probability, as_probability
from ganzoo.augment.transform import Transform
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.precision import at_least_float32


@defaults_from("augment/ada")
class AugmentationPipe(Augmentation):
    """Geometric and colour transforms, filtering, noise and cutout, each with some probability.

    Karras et al. (2020), "Training Generative Adversarial Networks with Limited Data" (arXiv
    2006.06676), appendix B. Each transform of a part is chosen for each image with the pipe's
    probability times a multiplier. As long as the probability is well below 1, what is generated
    does not look augmented.

    All is computed in float32 or better, whatever the precision of the images, and can be
    differentiated twice. Images may be of any size and any number of channels.

    With a probability of 0 images stay as they are. The authors' then pass the filters of the
    geometric transforms, which changes nothing but for rounding.

    Args:
        probability: A number, how it changes in time, or what adapts it.
        geometry: A :class:`~ganzoo.augment.transform.Transform`; parts are applied in this order.
        color: The next one.
        image_filter: The next one.
        noise: The next one.
        cutout: The last one.

    Raises:
        InputError: if the probability is out of range; later, for data that are no images.
    """

    def __init__(
        self,
        *,
        probability: Probability | Setting = FROM_CONFIG,
        geometry: Transform = FROM_CONFIG,
        color: Transform = FROM_CONFIG,
        image_filter: Transform = FROM_CONFIG,
        noise: Transform = FROM_CONFIG,
        cutout: Transform = FROM_CONFIG,
    ) -> None:
        super().__init__()
        self.probability = as_probability(probability)
        self.geometry, self.color, self.image_filter = geometry, color, image_filter
        self.noise, self.cutout = noise, cutout

    def forward(self, data: Tensor) -> Tensor:
        """Change images ``[B, C, H, W]``."""
        check_image_data(self, data)
        probability, images = self.probability.scalar, at_least_float32(data)
        if not torch.compiler.is_compiling() and not probability:
            return data
        with torch.autocast(data.device.type, enabled=False):
            for part in (self.geometry, self.color, self.image_filter, self.noise, self.cutout):
                images = part(images, probability)
        return images.to(data.dtype)
