"""What every adversarial objective offers to the game."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.precision import at_least_float32

LossTerms = dict[str, Tensor]
"""Named scalar terms; what a player minimises is their sum."""

LOSS, GRADIENT_NORM = "loss", "gradient_norm"
"""Names under which the sum of the terms and its gradient's norm stand beside them."""


class AdversarialLoss(nn.Module, ABC):
    """A pair of losses to minimise, one for each player, on logits ``[B, ...]``.

    Both methods return named scalar terms; a player's loss is their sum. An objective computes:
    it holds no network, takes no step and logs nothing, and it can be pickled. Running statistics,
    if it keeps any, are its buffers: they follow the model to its device and into its checkpoints.

    Attributes:
        expects_logits: Whether it asks for outputs beyond 0 and 1, so that a discriminator that
            ends in a sigmoid cannot play.
    """

    expects_logits: bool = False

    @abstractmethod
    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """Score the discriminator.

        Args:
            real: logits ``[B, ...]`` of real data: one a sample, or a map or several heads, over
                all of which means are taken.
            fake: logits ``[B', ...]`` of generated data; B' may differ from B.

        Returns:
            Scalar terms, among them ``"real"`` and ``"fake"``.
        """

    @abstractmethod
    def generator(self, fake: Tensor) -> LossTerms:
        """Score the generator.

        Args:
            fake: logits ``[B, ...]`` of generated data.

        Returns:
            The scalar term ``"adversarial"``.
        """

    def generator_against(self, fake: Tensor, real: Callable[[], Tensor]) -> LossTerms:
        """Score the generator in a game, where the logits of real data can be had.

        Args:
            fake: logits ``[B, ...]`` of generated data.
            real: computes the logits ``[B', ...]`` of real data. Most objectives score generated
                data alone and never call it, so that the pass through the discriminator is saved.

        Returns:
            The scalar term ``"adversarial"``.
        """
        return self.generator(fake)


class AdaptiveLoss(AdversarialLoss):
    """An objective that adapts to the logits of each step of the discriminator.

    The game calls ``after_step`` once after each step of each player; in a training loop of one's
    own call ``adapt``. With several processes the logits of all of them count.
    """

    @abstractmethod
    def adapt(self, real: Tensor, fake: Tensor) -> None:
        """Adapt to logits ``[B, ...]`` of real and ``[B', ...]`` of generated data.

        No gradient flows through it.
        """

    def after_step(self, player: Any) -> None:
        """Adapt, where it was the discriminator's step."""
        if player.role == "discriminator" and set(player.logits) == {"real", "fake"}:
            self.adapt(torch.cat(player.logits["real"]), torch.cat(player.logits["fake"]))


class ComparativeLoss(AdversarialLoss):
    """An objective that scores generated data only by comparing them with real data.

    In the generator's step the game gives it the real data of the last discriminator update,
    where a paper's algorithm may draw fresh ones. Its terms are functions of the samples that pass
    through the networks together, those of one device and one micro-batch. Averages of such
    terms are the term of all samples where it is a mean over samples; a term with means or pairs
    inside the batch is that of the smaller batch.
    """

    @abstractmethod
    def discriminator_terms(self, real: Tensor, fake: Tensor) -> LossTerms:
        """What the discriminator pays, from logits ``[N]`` and ``[M]`` in float32 or float64."""

    @abstractmethod
    def generator_term(self, real: Tensor, fake: Tensor) -> Tensor:
        """What the generator pays, from logits ``[N]`` and ``[M]`` in float32 or float64."""

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """Compare real with generated logits for the discriminator."""
        return self.discriminator_terms(_numbers(real), _numbers(fake))

    def generator(self, fake: Tensor) -> LossTerms:
        """Refuse to score generated data alone.

        Raises:
            InputError: always; :meth:`generator_against` has what is needed.
        """
        raise InputError(
            f"{type(self).__name__} compares generated with real data, and this model's generator "
            "sees no real data: choose another loss"
        )

    def generator_against(self, fake: Tensor, real: Callable[[], Tensor]) -> LossTerms:
        """Compare real with generated logits for the generator."""
        term = self.generator_term(_numbers(real()), _numbers(fake))
        return {"adversarial": term}


class PointwiseLoss(AdversarialLoss):
    """An objective whose terms are batch means of a function of a single logit.

    The three functions get logits ``[B, ...]`` in float32 (float64 stays as it is), also where the
    networks run in half precision, and return one value for each.
    """

    @abstractmethod
    def real_cost(self, logits: Tensor) -> Tensor:
        """What the discriminator pays for each real sample."""

    @abstractmethod
    def fake_cost(self, logits: Tensor) -> Tensor:
        """What the discriminator pays for each generated sample."""

    @abstractmethod
    def generator_cost(self, logits: Tensor) -> Tensor:
        """What the generator pays for each of its samples."""

    def discriminator(self, real: Tensor, fake: Tensor) -> LossTerms:
        """Average the costs of real and of generated samples, each over its own batch."""
        if real.dtype.itemsize < 4 or fake.dtype.itemsize < 4:
            real, fake = at_least_float32(real), at_least_float32(fake)
        return {"real": self.real_cost(real).mean(), "fake": self.fake_cost(fake).mean()}

    def generator(self, fake: Tensor) -> LossTerms:
        """Average the generator's costs over the batch."""
        if fake.dtype.itemsize < 4:
            fake = at_least_float32(fake)
        return {"adversarial": self.generator_cost(fake).mean()}


def _numbers(logits: Tensor) -> Tensor:
    """All logits ``[B, ...]`` in one row, in float32 or better."""
    return at_least_float32(logits).flatten()


def total(terms: LossTerms) -> Tensor:
    """The sum of the terms, in float32 or better."""
    together = torch.stack(tuple(terms.values()))
    return together.sum() if together.dtype.itemsize >= 4 else together.sum(dtype=torch.float32)


def times(factor: float, terms: LossTerms) -> LossTerms:
    """Every term times a factor."""
    return {name: factor * term for name, term in terms.items()}


def added_up(parts: Sequence[LossTerms]) -> LossTerms:
    """The sums of the terms of several backward passes, each of the same terms, without graphs."""
    return {name: torch.stack([terms[name].detach() for terms in parts]).sum() for name in parts[0]}
