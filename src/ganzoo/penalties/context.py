"""What the losses and the penalties of a player look at in one step."""

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import InputError
from ganzoo.logits import mean_logits
from ganzoo.precision import at_least_float32, gradients_without_autocast

Score = Callable[[Tensor], Tensor]
"""Data ``[B, ...]`` to logits ``[B, ...]``."""


class Context:
    """Real and generated data of one step and what the discriminator says of them.

    Each part is computed when it is first asked for, and once: losses and penalties that look at
    the same data share one pass through the networks.

    For penalties in a training step of one's own:
    ``penalty(Context(real=x, fake=y, outputs=discriminator))``.

    Args:
        minibatch: The real data of the step, as the model names them.
        real: Real data ``[B, ...]``, or computes them from this context.
        fake: Generated data ``[B', ...]``, or computes them from this context; None takes what is
            generated of ``latents``. Gradients flow to where they come from, as those of the loss
            do: for a term of the discriminator alone give them detached.
        outputs: The discriminator: from data, and labels where there are any, to its outputs.
        logits: From its outputs to logits ``[B, ...]``; None where they are the same.
        labels: Classes of the real data ``[B]``, which generated data are made for, too.
        discriminator: The discriminator's network, whose features some penalties take.
        generator: The generator's network.
        generate: From latents ``[B, Z]``, and labels or None, to generated data.
        map_latents: From the same to styles, where the generator has a style space; None calls its
            ``mapping``.
        draw_latents: From a number to so many latents ``[B, Z]``.
        packing: Samples that are judged together.

    Attributes:
        player: Whose step it is.
        differentiated: Which of ``"real"`` and ``"fake"`` gradients are taken by.
        compared: Which of them have logits that are compared with those of other data, and
            ``"generated"`` where the generated data themselves are. Both are set before the first
            pass, which is in float32 or better for such data.
    """

    player: Any = None

    def __init__(
        self,
        minibatch: Any = None,
        *,
        real: Any = None,
        fake: Any = None,
        outputs: Callable[..., Any] | None = None,
        logits: Callable[[Any], Tensor] | None = None,
        labels: Tensor | None = None,
        discriminator: nn.Module | None = None,
        generator: nn.Module | None = None,
        generate: Callable[..., Tensor] | None = None,
        map_latents: Callable[..., Tensor] | None = None,
        draw_latents: Callable[[int], Tensor] | None = None,
        packing: int = 1,
    ) -> None:
        self.minibatch, self.labels, self.packing = minibatch, labels, packing
        self.discriminator, self.generator = discriminator, generator
        self.differentiated: set[str] = set()
        self.compared: set[str] = set()
        self._real, self._fake, self._outputs, self._logits = real, fake, outputs, logits
        self._generate, self._draw_latents = generate, draw_latents
        self._map_latents = map_latents
        self._points: dict[str, Tensor] = {}
        for side, data in (("real", real), ("fake", fake)):
            if isinstance(data, Tensor):
                self.__dict__[side] = data

    @property
    def size(self) -> int:
        """Number of real samples."""
        return len(self.real) if self.minibatch is None else self.minibatch.size

    @property
    def device(self) -> torch.device:
        """Where the step is computed."""
        return self.real.device if self.player is None else self.player.device

    @cached_property
    def real(self) -> Tensor:
        """Real data ``[B, ...]``."""
        if self._real is None:
            raise InputError("there are no real data here that a penalty could look at")
        return cast("Tensor", self._real(self))

    @cached_property
    def fake(self) -> Tensor:
        """Generated data ``[B', ...]``."""
        return self.generated if self._fake is None else cast("Tensor", self._fake(self))

    @cached_property
    def generated(self) -> Tensor:
        """What is generated of ``latents`` ``[B', ...]``: ``fake``, unless others are shown."""
        if self._generate is None:
            raise InputError("there are no generated data here that a penalty could look at")
        if "generated" in self.compared:
            with gradients_without_autocast(self.device):
                return self._generate(self.latents, self.labels)
        return self._generate(self.latents, self.labels)

    @cached_property
    def latents(self) -> Tensor:
        """Latents ``[B, Z]``, as many as real data; what is generated is made from them."""
        if self._draw_latents is None:
            raise InputError("there are no latents here that a penalty could draw")
        return self._draw_latents(len(self.real) if self.minibatch is None else self.minibatch.size)

    @cached_property
    def real_outputs(self) -> Any:
        """The discriminator's outputs for the real data."""
        return self._pass("real", self.real)

    @cached_property
    def fake_outputs(self) -> Any:
        """The discriminator's outputs for the generated data."""
        return self._pass("fake", self.fake)

    @cached_property
    def real_logits(self) -> Tensor:
        """Logits ``[B, ...]`` of the real data."""
        if self._logits is None:
            return cast("Tensor", self._pass("real", self.real))
        return self._logits(self.real_outputs)

    @cached_property
    def fake_logits(self) -> Tensor:
        """Logits ``[B', ...]`` of the generated data."""
        if self._logits is None:
            return cast("Tensor", self._pass("fake", self.fake))
        return self._logits(self.fake_outputs)

    def computed_logits(self) -> Iterator[tuple[str, Tensor]]:
        """Those logits that have been computed, as constants, by ``"real"`` and ``"fake"``."""
        for side in ("real", "fake"):
            logits = self.__dict__.get(f"{side}_logits")
            if logits is not None:
                yield side, logits.detach()

    def show_as_real(self, mixed: Callable[[Tensor, Tensor], Tensor]) -> None:
        """Let generated data pass as real, before anything has looked at the real data.

        Args:
            mixed: From real data, and generated ones as constants, to as many in place of the
                real ones.
        """
        real = self._real
        self._real = lambda _: mixed(real(self) if callable(real) else real, self.fake.detach())
        self.__dict__.pop("real", None)

    def points(self, side: str) -> Tensor:
        """Real or generated data as constants, in float32 or better."""
        return at_least_float32(getattr(self, side).detach())

    def score(self, data: Tensor) -> Tensor:
        """Logits of other data, with the labels of the first of the real data."""
        outputs = self._pass("", data)
        return outputs if self._logits is None else self._logits(outputs)

    def generate(self, latents: Tensor) -> Tensor:
        """What is made of latents ``[B, Z]``, with the labels of the first of the real data."""
        if self._generate is None:
            raise InputError("there is no generator here that a penalty could ask")
        labels = None if self.labels is None else self.labels[: len(latents)]
        return self._generate(latents, labels)

    def generate_from_style(self, latents: Tensor) -> tuple[Tensor, Tensor]:
        """The style of latents ``[B, Z]``, or constants where the generator has none, and data.

        Returns:
            What the data ``[B', ...]`` can be differentiated by, and the data.
        """
        network: Any = self.generator
        if not hasattr(network, "mapping"):
            points = latents.detach().requires_grad_()
            return points, self.generate(points)
        labels = () if self.labels is None else (self.labels[: len(latents)],)
        styles = (self._map_latents or network.mapping)(latents, *labels)
        if not styles.requires_grad:  # a mapping without weights that are trained
            styles = styles.detach().requires_grad_()
        return styles, network.synthesis(styles)

    def draw_latents(self, count: int) -> Tensor:
        """Fresh latents ``[count, Z]``."""
        if self._draw_latents is None:
            raise InputError("there are no latents here that a penalty could draw")
        return self._draw_latents(count)

    def input_gradients(self, side: str) -> Tensor:
        """Differentiate each sample's logit by that sample, keeping the graph.

        Of a map of logits, or of several heads, it is the gradient of their mean, as losses take
        the mean over all. The logits of samples are summed before they are differentiated, which
        gives each sample its own gradient as long as no logit depends on another sample. Batch
        normalisation in the discriminator breaks this; layer, instance and spectral normalisation
        do not.

        The pass is that of the loss. Logits that have been computed before it was known that they
        would be differentiated are computed anew.

        Args:
            side: ``"real"`` or ``"fake"``, one of ``differentiated``.

        Returns:
            Gradients ``[B, N]`` with all axes but the first in one, where samples are packed those
            of a pack in one row; zeros if the logits do not depend on the data.
        """
        self.differentiated.add(side)
        if side not in self._points:
            for computed in ("logits", "outputs"):
                self.__dict__.pop(f"{side}_{computed}", None)
        logits: Tensor = getattr(self, f"{side}_logits")
        return differentiate(logits, self._points[side])

    def _pass(self, side: str, data: Tensor) -> Any:
        if side in self.differentiated or side in self.compared:
            with gradients_without_autocast(data.device):
                return self._pass("", self._leaf(side, data))
        if data.dtype.itemsize < 4 and not torch.is_autocast_enabled(data.device.type):
            data = at_least_float32(data)  # made under an autocast that a penalty has turned off
        if self._outputs is None:
            raise InputError("there is no discriminator here that a penalty could ask")
        if self.labels is None:
            return self._outputs(data)
        return self._outputs(data, self.labels[: len(data)])

    def _leaf(self, side: str, data: Tensor) -> Tensor:
        data = at_least_float32(data)
        if side in self.differentiated:
            if not data.requires_grad:
                data = data.detach().requires_grad_()
            self._points[side] = data
        return data


def differentiate(logits: Tensor, points: Tensor) -> Tensor:
    """The gradients ``[B, N]`` of each sample's mean logit by its data, as a graph."""
    if not logits.requires_grad:
        return torch.zeros_like(points).reshape(len(logits), -1)
    (gradients,) = torch.autograd.grad(
        mean_logits(logits).sum(),
        points,
        create_graph=True,
        allow_unused=True,
        materialize_grads=True,
    )
    return gradients.reshape(len(logits), -1)
