"""An adversarial term in the loss of anybody's module: an autoencoder's, a vocoder's.

Esser et al. (2021, arXiv:2012.09841), equations 6 and 7.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_not_negative, check_positive, check_whole, described
from ganzoo.losses.adaptive_weight import adaptive_weight
from ganzoo.losses.base import AdaptiveLoss, AdversarialLoss, LossTerms
from ganzoo.losses.own import as_loss


class WeightedTerms(NamedTuple):
    """Named terms of a loss, and the weight that is in them.

    Attributes:
        terms: weighted scalars by name.
        weight: a scalar without gradient, by which the terms were multiplied; 0 before the start.
    """

    terms: LossTerms
    weight: Tensor

    @property
    def loss(self) -> Tensor:
        """The sum of the terms, a scalar: what is added to a loss, or minimised."""
        return _sum(self.terms)


@defaults_from("model/base/adversarial_term")
class AdversarialTerm(nn.Module):
    """A discriminator and the two losses that it brings to a module with a loss of its own.

    The module that generates adds :meth:`generator_term` to its loss, and the discriminator
    minimises :meth:`discriminator_term`. Neither leaves gradients in the other's parameters, so
    both can be one loss with one optimizer, or two with two. Nothing is logged here.

    The generator's term is ``weight * adaptive weight * adversarial loss``. The adaptive weight
    (:func:`ganzoo.losses.adaptive_weight.adaptive_weight`) makes the gradient of the adversarial
    loss by the module's last layer as large as that of the module's own loss; where these are not
    given it is 1. Before the step ``start`` both terms are 0.

    The discriminator may return logits of any shape, one a sample or a map of them, whose mean
    the losses take, or a list of such tensors, its heads. Terms are means over heads, which weigh
    the same whatever their size; where a paper takes their sum the weights are larger by their
    number. A loss that remembers, such as ``BoundaryEquilibrium``, does so for each head.

    Departure: before the start nothing is computed, where the authors' code multiplies by 0. The
    discriminator's parameters get gradients of 0, and its running statistics do not change.

    Args:
        discriminator: from what is generated to logits.
        loss: of logits, such as ``ganzoo.losses.Hinge()``.
        weight: of the generator's term, at least 0.
        discriminator_weight: of the discriminator's term, at least 0. The authors take a half.
        start: the first step at which there is a term.
        eps: added to the size of the adversarial gradient; positive.
        largest_adaptive_weight: positive.

    Raises:
        InputError: if a number is out of range, or loss is no adversarial loss.
    """

    def __init__(
        self,
        *,
        discriminator: nn.Module,
        loss: AdversarialLoss = FROM_CONFIG,
        weight: float = FROM_CONFIG,
        discriminator_weight: float = FROM_CONFIG,
        start: int = FROM_CONFIG,
        eps: float = FROM_CONFIG,
        largest_adaptive_weight: float = FROM_CONFIG,
    ) -> None:
        super().__init__()
        check_not_negative(weight=weight, discriminator_weight=discriminator_weight)
        check_whole(0, start=start)
        check_positive(eps=eps, largest_adaptive_weight=largest_adaptive_weight)
        self.discriminator, self.loss = discriminator, as_loss(loss)
        self.weight, self.discriminator_weight = weight, discriminator_weight
        self.start = start
        self.eps, self.largest_adaptive_weight = eps, largest_adaptive_weight

    def started(self, step: int) -> bool:
        """Whether there are terms at a step. Before it, the discriminator's can be left out."""
        return step >= self.start

    def generator_term(
        self,
        fake: Tensor,
        real: Tensor,
        *,
        step: int,
        reconstruction_loss: Tensor | None = None,
        last_layer: Tensor | None = None,
    ) -> WeightedTerms:
        """Score generated data, for the module that generated them.

        Args:
            fake: generated data ``[B, ...]``, with their graph.
            real: real data ``[B', ...]``. Only losses that compare with them look at them.
            step: how many updates the module has made. Lightning's ``global_step`` counts the
                steps of all optimizers: with two, it is ``global_step // 2``.
            reconstruction_loss: the module's own loss, a scalar, for an adaptive weight. What is
                not to be balanced, such as a codebook's loss, is left out of it.
            last_layer: the parameter that made ``fake``, such as a decoder's ``last_layer``.

        Returns:
            The term ``"adversarial"``, to be added to the module's loss, and its weight.

        Raises:
            InputError: if only one of reconstruction_loss and last_layer is given, or a loss does
                not depend on the last layer.
        """
        if (reconstruction_loss is None) != (last_layer is None):
            raise InputError("an adaptive weight needs both reconstruction_loss and last_layer")
        if not self.started(step):
            nothing = torch.zeros((), device=fake.device)
            return WeightedTerms({"adversarial": nothing}, nothing)
        terms = self._generator_terms(fake, real)
        total = _sum(terms)
        weight = torch.full_like(total.detach(), self.weight)
        if reconstruction_loss is not None and last_layer is not None:
            weight = self.weight * self.adaptive_weight(reconstruction_loss, total, last_layer)
        return _weighted(terms, weight)

    def discriminator_term(self, real: Tensor, fake: Tensor, *, step: int) -> WeightedTerms:
        """Score the discriminator.

        Args:
            real: real data ``[B, ...]``.
            fake: generated data ``[B', ...]``; no gradient reaches what generated them.
            step: as of :meth:`generator_term`.

        Returns:
            The loss's terms, ``"real"``, ``"fake"`` and others, for the discriminator to
            minimise, and their weight.
        """
        if not self.started(step):
            nothing = torch.zeros((), device=fake.device)
            return WeightedTerms({"real": self._without_effect(nothing), "fake": nothing}, nothing)
        heads = [*zip(self._heads(real.detach()), self._heads(fake.detach()), strict=True)]
        terms = _mean([self.loss.discriminator(*logits) for logits in heads])
        for part in self.loss.modules():
            if isinstance(part, AdaptiveLoss):
                for logits in heads:
                    part.adapt(*logits)
        return _weighted(terms, torch.full_like(_sum(terms).detach(), self.discriminator_weight))

    def adaptive_weight(
        self, reconstruction_loss: Tensor, adversarial_loss: Tensor, last_layer: Tensor
    ) -> Tensor:
        """Compute the adaptive weight alone, without ``weight``: a scalar without gradient."""
        return adaptive_weight(
            reconstruction_loss,
            adversarial_loss,
            last_layer,
            eps=self.eps,
            largest=self.largest_adaptive_weight,
        )

    def _generator_terms(self, fake: Tensor, real: Tensor) -> LossTerms:
        real_heads = cache(lambda: self._heads(real.detach()))

        def terms(head: int, logits: Tensor) -> LossTerms:
            return self.loss.generator_against(logits, lambda: real_heads()[head])

        with _frozen(self.discriminator):
            return _mean([terms(*head) for head in enumerate(self._heads(fake))])

    def _heads(self, data: Tensor) -> list[Tensor]:
        outputs = self.discriminator(data)
        heads = list(outputs) if isinstance(outputs, list | tuple) else [outputs]
        for logits in heads:
            if not isinstance(logits, Tensor):
                raise InputError(
                    "the discriminator of an adversarial term returns logits, or a list of the "
                    f"logits of its heads, and one of them is {described(logits)}"
                )
        return heads

    def _without_effect(self, zero: Tensor) -> Tensor:
        """A zero by which all trained parameters have gradients of zero."""
        trained = (value for value in self.discriminator.parameters() if value.requires_grad)
        return sum(((0 * value).sum().to(zero) for value in trained), start=zero)


@contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """Let no graph that is made inside lead to the network's parameters."""
    trained = [value for value in network.parameters() if value.requires_grad]
    for value in trained:
        value.requires_grad_(False)
    try:
        yield
    finally:
        for value in trained:
            value.requires_grad_(True)


def _mean(heads: Sequence[LossTerms]) -> LossTerms:
    return {name: torch.stack([terms[name] for terms in heads]).mean() for name in heads[0]}


def _sum(terms: LossTerms) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def _weighted(terms: LossTerms, weight: Tensor) -> WeightedTerms:
    return WeightedTerms({name: weight * term for name, term in terms.items()}, weight)
