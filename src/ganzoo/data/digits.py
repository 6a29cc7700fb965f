"""The handwritten digits that scikit-learn carries: real pictures without a download."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from ganzoo.data.checks import ImageSize
from ganzoo.data.images import StoredImages
from ganzoo.defaults import FROM_CONFIG, defaults_from


@defaults_from("dataset/digits")
class Digits(StoredImages):
    """1,797 grey digits of 8 x 8 pixels in 10 classes (Alpaydin and Kaynak 1998, UCI).

    Grey levels 0 to 16 become 0 to 255, to the nearest whole number. There are no held-out ones.

    Args:
        channels: 1, or 3 to repeat the grey; 2 and 4 add that nothing is transparent.
        image_size: 8, or another height and width to resize to, one number or two.

    Raises:
        InputError: if the channels or the size are impossible.
    """

    def __init__(
        self,
        *,
        channels: int = FROM_CONFIG,
        image_size: ImageSize = FROM_CONFIG,
    ) -> None:
        super().__init__(channels=channels, image_size=image_size, padding=0)

    def load(self) -> tuple[Tensor, Tensor, int]:
        """Return pictures ``[1797, 1, 8, 8]``, labels and 10."""
        digits = load_digits()
        levels = torch.from_numpy(digits.images) * (255 / 16)
        self.class_names = [str(name) for name in digits.target_names]
        images = levels.round().to(torch.uint8).unsqueeze(1)
        return images, torch.from_numpy(digits.target).long(), len(digits.target_names)
