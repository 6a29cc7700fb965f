"""Three random digits as the colour channels of one picture: a thousand known modes."""

import torch
from torch import Tensor

from ganzoo.data.plan import Purpose, seeded
from ganzoo.data.source import Collection, Labelled
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole


@defaults_from("dataset/stacked_mnist")
class StackedDigits(Collection):
    """Stacked MNIST (Metz et al. 2016, arXiv 1611.02163, section 3.3.2).

    Each picture is three random digits, drawn with replacement; its label is
    100 a + 10 b + c for the digits a, b, c in red, green and blue. Which digits a picture holds
    is fixed by ``stacking_seed``; pictures are put together when they are needed. 128,000 of
    them is the protocol of VEEGAN (arXiv 1705.07761) and PacGAN (arXiv 1712.04086).

    Args:
        digits: Grey pictures ``[1, H, W]`` in 10 classes.
        count: Number of pictures, N.
        stacking_seed: Seed of the choice of digits, zero or above.

    Attributes:
        digits: As given.

    Raises:
        InputError: if a number is of the wrong kind or the digits are not grey.
    """

    num_classes = 1000

    def __init__(
        self,
        *,
        digits: Collection = FROM_CONFIG,
        count: int = FROM_CONFIG,
        stacking_seed: int = FROM_CONFIG,
    ) -> None:
        check_whole(count=count)
        check_whole(0, stacking_seed=stacking_seed)
        if digits.shape[0] != 1:
            raise InputError("stacked digits need grey pictures with 1 channel each")
        self.shape = (3, *digits.shape[1:])
        self.digits = digits
        self._count = count
        self._seed = stacking_seed
        self._chosen = torch.empty(0, 3, dtype=torch.int64)

    def prepare(self) -> None:
        """Download the digits where they are missing."""
        self.digits.prepare()

    def setup(self, *, memory_limit: int) -> None:
        """Load the digits and choose three for each picture.

        Raises:
            InputError: if the digits have not 10 classes.
        """
        self.digits.setup(memory_limit=memory_limit)
        if self.digits.num_classes != 10:
            raise InputError(f"stacked digits need 10 classes, not {self.digits.num_classes}")
        size = self.digits.size
        assert size is not None
        generator = seeded(self._seed, Purpose.STACK)
        self._chosen = torch.randint(size, (self._count, 3), generator=generator)

    @property
    def size(self) -> int:
        """Number of pictures."""
        return self._count

    def gather(self, indices: Tensor) -> Labelled:
        """Return uint8 pictures ``[B, 3, H, W]`` and labels ``[B]`` from 0 to 999."""
        digits, labels = self.digits.gather(self._chosen.index_select(0, indices).flatten())
        assert labels is not None
        places = torch.tensor([100, 10, 1])
        return digits.reshape(-1, *self.shape), (labels.reshape(-1, 3) * places).sum(dim=1)

    def held_out(self) -> "StackedDigits | None":
        """Return as many pictures stacked from held-out digits, where there are any."""
        digits = self.digits.held_out()
        if not isinstance(digits, Collection):
            return None
        return StackedDigits(digits=digits, count=self._count, stacking_seed=self._seed)
