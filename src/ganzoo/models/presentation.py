"""What lies between the samples and the discriminator."""

from collections.abc import Mapping

from torch import Tensor, nn

from ganzoo.augment.base import Augmentation
from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_whole
from ganzoo.models.player import Share
from ganzoo.models.replay import ReplayBuffer


@defaults_from("model/gan")
class Presentation(nn.Module):
    """How samples are shown to the discriminator: augmented, and perhaps several at once.

    The loss and the penalties see real and generated data as the discriminator does, in both
    players' turns.

    Packing is that of PacGAN (Lin et al. 2018, arXiv:1712.04086), section 2: the discriminator
    judges ``packing`` independent samples at once, concatenated along their first axis, points
    ``[B, D]`` as ``[B / m, m D]`` and images ``[B, C, H, W]`` as ``[B / m, m C, H, W]``, all of
    them real or all generated. A collapsed generator shows itself in samples that are too alike.
    Departure: the batch stays as it is, so that there are m times fewer packs in it.

    Args:
        augmentations: Named changes of real and generated data, applied one after another.
        replay: Pool of earlier generated samples for the discriminator's turns, or None.
        packing: Samples judged at once, m, at least 1.

    Raises:
        InputError: if ``packing`` is not a whole number from 1.
    """

    def __init__(
        self,
        *,
        augmentations: Mapping[str, Augmentation] = FROM_CONFIG,
        replay: ReplayBuffer | None = FROM_CONFIG,
        packing: int = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_whole(packing=packing)
        self.augmentations = dict(augmentations)
        self.replay = replay
        self.packing = int(packing)

    def begin(self, update: int) -> None:
        """Take up the generator's update of this number, from 0."""
        for augmentation in self.augmentations.values():
            augmentation.at(update)

    def remembered(self, fake: Tensor) -> Tensor:
        """Generated data ``[B, ...]``, partly from the pool."""
        return fake if self.replay is None else self.replay(fake)

    def forward(self, data: Tensor) -> Tensor:
        """Data ``[B, ...]`` as the discriminator sees it.

        Raises:
            InputError: if B is not a multiple of the packing.
        """
        for augmentation in self.augmentations.values():
            data = augmentation(data)
        return data if self.packing == 1 else self._packed(data)

    def both(self, share: Share, fake: Tensor) -> tuple[Share, Tensor]:
        """Real and generated data as the discriminator sees them."""
        return share._replace(data=self(share.data)), self(fake)

    def check_size(self, count: int, steps: int) -> None:
        """Refuse batches that steps cannot divide into whole packs.

        Args:
            count: Samples in the batch.
            steps: Parts in which it passes through the discriminator.

        Raises:
            InputError: naming the settings.
        """
        whole = steps * self.packing
        if self.packing > 1 and count % whole:
            raise InputError(
                f"packing={self.packing} needs batches of a multiple of {whole} samples, not "
                f"{count}: set dataset.batch_size, or drop_last=True in a loader of your own whose "
                "last batch is smaller"
            )

    def refuse_labels(self) -> None:
        """Refuse what would part samples from their labels.

        Raises:
            InputError: naming the setting.
        """
        self.refuse_packs()
        if self.replay is not None:
            raise InputError("the pool keeps no labels: a model with classes needs replay=none")

    def refuse_packs(self) -> None:
        """Refuse what would part samples from what belongs to each of them.

        Raises:
            InputError: naming the setting.
        """
        if self.packing > 1:
            raise InputError("this model judges samples one by one: set packing=1")

    def _packed(self, data: Tensor) -> Tensor:
        if len(data) % self.packing:
            raise InputError(
                f"packing={self.packing} needs batches of a multiple of {self.packing} samples, "
                f"not {len(data)}: set dataset.batch_size"
            )
        packs, rest = len(data) // self.packing, data.shape[2:]
        return data.reshape(packs, self.packing * data.shape[1], *rest)
