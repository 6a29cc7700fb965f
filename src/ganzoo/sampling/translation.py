"""Models that make pictures of one domain from pictures of another."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError, check_positive, nearest
from ganzoo.game.averaging import MovingAverage
from ganzoo.game.evaluating import evaluating
from ganzoo.game.minibatch import Fields
from ganzoo.game.module import AdversarialModule
from ganzoo.game.own_parts import check_kind
from ganzoo.metrics.real_data import Drawn, RealData, held_out
from ganzoo.sampling.evaluable import ProcessedSamples, inputs_from, protocol_of
from ganzoo.sampling.first_batch import check_data, check_generated_shape, output_of

OTHER = {"a": "b", "b": "a"}
"""The domain that each one is translated from."""


class Translator(AdversarialModule):
    """The part of a model that translates between domains a and b.

    Batches are dictionaries of pictures ``{"a": [B, C, H, W], "b": [B, C', H, W]}``, or pairs of
    them in this order.

    Evaluation compares translations to ``target`` with pictures of that domain. What is
    translated are held-out pictures where there are any, else those of training.

    Attributes:
        shapes: ``[C, H, W]`` of the pictures of each domain in training.
        target: The domain that is translated to where none is named.
    """

    shapes: Mapping[str, Sequence[int]]
    target: str

    @abstractmethod
    def translators(self) -> Mapping[str, nn.Module]:
        """For each domain that can be translated to, the network that does it."""

    def averaged_modules(self) -> Mapping[str, nn.Module]:
        """The translators."""
        return {f"to_{domain}": network for domain, network in self.translators().items()}

    def read_batch(self, batch: Any) -> Fields:
        """Pictures ``a`` and ``b``.

        Raises:
            InputError: if a batch is neither such a dictionary nor such a pair.
        """
        if isinstance(batch, list | tuple) and len(batch) == 2:
            batch = {"a": batch[0], "b": batch[1]}
        fields = super().read_batch(batch)
        if not {"a", "b"} <= set(fields):
            raise InputError(
                "batches must be dictionaries of pictures of domains a and b, or pairs of them; "
                f"this one has {', '.join(map(str, fields))}: choose a data set of two domains, "
                "such as dataset=unpaired_folders"
            )
        return {"a": fields["a"], "b": fields["b"]}

    def check_fields(self, fields: Fields) -> None:
        """Refuse translators that do not fit the pictures."""
        for data in fields.values():
            check_data(data)
        for domain, network in self.translators().items():
            source = fields[OTHER[domain]][:1]
            with evaluating(self):
                words = f"pictures of {OTHER[domain]} of shape {list(source.shape[1:])}"
                made = output_of(f"generator to {domain}", words, lambda: network(source))  # noqa: B023
            check_generated_shape(made, fields[domain])

    def translator(self, to: str, *, averaged: bool) -> nn.Module:
        """The network that translates to a domain, or its average where there is one.

        Raises:
            InputError: if there is none.
        """
        known = self.translators()
        if to not in known:
            raise InputError(f"this model does not translate to {to!r}: {nearest(to, known)}")
        if averaged and f"to_{to}" in self.ema:
            return cast("MovingAverage", self.ema[f"to_{to}"]).network
        return known[to]

    def translate(
        self, images: Tensor, *, to: str, averaged: bool = True, batch_size: int = 16
    ) -> Tensor:
        """Translate pictures in evaluation mode.

        Args:
            images: Pictures ``[N, C, H, W]`` of the other domain in [-1, 1], of any size that the
                network takes.
            to: The domain to translate to, ``"a"`` or ``"b"``.
            averaged: Whether by the moving average where there is one.
            batch_size: Pictures translated at once, at least 1.

        Returns:
            float32 ``[N, C', H, W]`` in [-1, 1], on the model's device.

        Raises:
            InputError: if the model does not translate to the domain, or the pictures do not fit.
        """
        check_positive(batch_size=batch_size)
        check_kind("images", images, Tensor, "a tensor of pictures [N, C, H, W] in [-1, 1]")
        check_data(images)
        network = self.translator(to, averaged=averaged)
        given = torch.split(images.to(self.device, self.weights_type), batch_size)
        with evaluating(network):
            return torch.cat([network(part).float() for part in given])

    def forward(self, images: Tensor, to: str | None = None) -> Tensor:
        """Translations of pictures, which gradients flow through.

        Args:
            images: ``[B, C, H, W]`` in [-1, 1].
            to: The domain; None for ``target``.
        """
        network = self.translator(to or self.target, averaged=not self.training)
        return network(images)  # type: ignore[no-any-return]

    def predict_step(self, batch: Any, batch_idx: int, dataloader_idx: int = 0) -> Tensor:
        """Translations to ``target`` of a batch of pictures alone, or of those of two domains."""
        if not isinstance(batch, Tensor):
            batch = self.read_batch(batch)[OTHER[self.target]]
        return self.translate(batch, to=self.target)

    def reference_data(self, data: RealData) -> "DomainData":
        """The pictures of the target domain."""
        return DomainData(data, self.target)

    def evaluation_samples(
        self, data: RealData, *, count: int, real_labels: Tensor | None, seed: int
    ) -> ProcessedSamples:
        """Translations to the target domain.

        Raises:
            InputError: if the data have no pictures of the other domain, or too few.
        """
        sources, which = inputs_from(DomainData(data, OTHER[self.target]), count, seed)
        return ProcessedSamples(
            sources,
            lambda images: self.translate(images, to=self.target, batch_size=len(images)),
            protocol_of(self, f"translations to {self.target} of {which}"),
        )


def checked_domain(name: str) -> str:
    """The name of a domain.

    Raises:
        InputError: if there is none of that name.
    """
    if name not in OTHER:
        raise InputError(f"model.target must be a or b, not {name}")
    return name


@dataclass(frozen=True)
class DomainData:
    """One of the two domains of real data.

    Attributes:
        data: Both.
        domain: Which one.
    """

    data: RealData
    domain: str

    def real(self, count: int, seed: int) -> Drawn:
        """Up to ``count`` pictures that training sees."""
        return self._pictures(self.data.real(count, seed))

    def held_out(self, count: int, seed: int) -> Drawn | None:
        """Up to ``count`` pictures that training does not see, where there are any."""
        found = held_out(self.data, count, seed)
        return None if found is None else self._pictures(found)

    def _pictures(self, drawn: Drawn) -> Drawn:
        pictures, _ = drawn
        if not isinstance(pictures, Mapping):
            raise InputError(
                "a model that translates is compared with a data set of two domains: leave real "
                "out, or choose a data set such as dataset=unpaired_folders"
            )
        return pictures[self.domain], None
