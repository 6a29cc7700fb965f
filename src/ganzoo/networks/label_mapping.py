"""From labels to vectors by a mapping network, for discriminators of StyleGAN2."""

from torch import Tensor, nn

from ganzoo.errors import check_positive, check_whole
from ganzoo.networks.equalized import EqualizedLinear, leaky_relu, normalized
from ganzoo.networks.label_codes import one_hot


class LabelMapping(nn.Module):
    """A linear code of the label, divided by its size, and linear layers with leaky ReLU.

    The mapping network of StyleGAN2 without latents (Karras et al. 2020, arXiv 2006.06676).

    Args:
        num_classes: K.
        dimension: W.
        layers: linear layers after the code, at least 1.
        lr_multiplier: of these layers, positive.
        negative_slope: of leaky ReLU.

    Raises:
        InputError: if a number is out of range.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        dimension: int,
        layers: int,
        lr_multiplier: float,
        negative_slope: float,
    ) -> None:
        super().__init__()
        check_whole(num_classes=num_classes, mapping_layers=layers)
        check_positive(lr_multiplier=lr_multiplier)
        self.num_classes, self.negative_slope = num_classes, negative_slope
        self.label_code = EqualizedLinear(num_classes, dimension)
        self.layers = nn.ModuleList(
            EqualizedLinear(dimension, dimension, lr_multiplier=lr_multiplier)
            for _ in range(layers)
        )

    def forward(self, labels: Tensor) -> Tensor:
        """Map labels int64 [B] to [B, W].

        Raises:
            InputError: if a label is out of range.
        """
        one_hots = one_hot(labels, self.num_classes).to(self.label_code.weight.dtype)
        features = normalized(self.label_code(one_hots))
        for layer in self.layers:
            features = leaky_relu(layer(features), self.negative_slope)
        return features
