"""A player of a game: what it moves, what it minimises, and how it steps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import filterfalse
from operator import attrgetter, is_
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.errors import check_whole
from ganzoo.game.backend import LightningBackend, TorchBackend
from ganzoo.losses.base import LOSS, LossTerms, added_up, times, total
from ganzoo.penalties.base import Penalty
from ganzoo.penalties.constraint import Constraint
from ganzoo.penalties.context import Context
from ganzoo.precision import gradients_without_autocast


class Player:
    """One player, in a module for Lightning's Trainer or in a game of torch alone.

    Without a Trainer, give it its optimizer, call :meth:`meet` with all players, and let an update
    rule (:mod:`ganzoo.optim`) step with them.

    While it steps, the modules of the others take part in its loss but do not change: neither
    gradients nor running statistics (batch normalisation, the power iteration of spectral
    normalisation) reach them. What it shares with others stays free.

    Args:
        name: One among the players: the prefix of its logged terms and the key of its optimizer.
        modules: The module, or the modules, whose parameters it moves.
        losses: From the context of a step to the named scalar terms that it minimises the sum of.
        steps: Steps in one iteration, at least 1.
        left_to_others: Minibatches at the end of an iteration that it does not step on.
        role: ``"discriminator"`` or ``"generator"`` where penalties of such may act on it.
        context: From the minibatch of a step to what its losses and penalties look at; None hands
            the minibatch itself to the losses.
        optimizer: Its optimizer, where it is not made later from ``optimizers``.

    Attributes:
        parameters: What it moves: those parameters that require gradients.
        penalties: Named penalties that act on it; the mechanics add their terms.
        constraints: Sets that its parameters are brought back to after each of its steps.
        shown_as_real: From real and generated data to what it is shown as real.
        minibatch: The real data of its step, None in a game without any.
        step_number: Steps that it has made before this one.
        terms: The terms of its loss as they were last computed, with their sum.
        ends_iterations: Whether it is the player that steps last.
        logits: Of real and generated data, as they were last computed, where its context has any.

    Raises:
        InputError: if ``steps`` is not a whole number from 1.
    """

    lightning_optimizer: Any = None
    ends_iterations = False

    def __init__(
        self,
        name: str,
        modules: nn.Module | Sequence[nn.Module],
        losses: Callable[[Any], LossTerms],
        *,
        steps: int = 1,
        left_to_others: int = 0,
        role: str = "",
        context: Callable[[Any], Context] | None = None,
        optimizer: Optimizer | None = None,
    ) -> None:
        check_whole(**{f"steps of the {name}": steps})
        check_whole(0, left_to_others=left_to_others)
        self.name, self.role, self.steps = name, role, int(steps)
        self.left_to_others = left_to_others
        self.modules = [modules] if isinstance(modules, nn.Module) else list(modules)
        self.losses, self.context = losses, context
        self.optimizer: Any = optimizer
        self.penalties: dict[str, Penalty] = {}
        self.constraints: list[Constraint] = []
        self.shown_as_real: list[Callable[[Tensor, Tensor], Tensor]] = []
        self.backend: TorchBackend | LightningBackend = TorchBackend()
        self.minibatch: Any = None
        self.step_number = 0
        self.terms: LossTerms = {}
        self.logits: dict[str, list[Tensor]] = {}
        self._computed = False  # its loss, without gradients
        self._scaled_by = 1.0
        self.find_parameters()

    def find_parameters(self) -> None:
        """Look for the parameters that it moves; again after a module was frozen or unfrozen."""
        found = {id(p): p for module in self.modules for p in module.parameters()}
        self.parameters = [p for p in found.values() if p.requires_grad]

    def meet(self, players: Sequence["Player"]) -> None:
        """Know whom to hold still while it steps.

        Args:
            players: All players.
        """
        mine = {id(t) for module in self.modules for t in (*module.parameters(), *module.buffers())}
        everybody = [module for player in players for module in player.modules]
        others = {id(p): p for module in everybody for p in module.parameters()}
        buffers = {id(b): b for module in everybody for b in module.buffers()}
        self._others = [p for key, p in others.items() if key not in mine and p.requires_grad]
        self._buffers = [b for key, b in buffers.items() if key not in mine]
        self._places = [
            (part, name)
            for module in everybody
            for part in module.modules()
            for name, _ in part.named_buffers(recurse=False)
        ]

    @property
    def device(self) -> torch.device:
        """Where its parameters are."""
        return self.parameters[0].device

    def compute_gradients(self) -> None:
        """Put the gradients of its loss in place, at everybody's parameters of now."""
        self.optimizer.zero_grad()
        self._computed, self.logits = False, {}
        self._scaled_by = 1.0 if self.backend.scaler is None else self.backend.scale()
        before = [buffer.clone() for buffer in self._buffers] if self._buffers else []
        for parameter in self._others:
            parameter.requires_grad = False
        try:
            if self.backend.micro_batches == 1:
                self.terms = self._backward(self.minibatch, 1.0)
            else:
                self.terms = added_up([self._backward(*p) for p in self._micro_batches()])
        finally:
            for parameter in self._others:
                parameter.requires_grad = True
            if before:
                put_back(self._buffers, before)
        if self.backend.averages:
            self.backend.average(self.parameters, self.terms[LOSS])

    def gradient_norm(self) -> Tensor:
        """The Euclidean norm of all gradients in place together, a scalar.

        It is not finite where the loss is not, also if its gradients are.
        """
        gradients = filterfalse(partial(is_, None), map(attrgetter("grad"), self.parameters))
        norm = nn.utils.get_total_norm(list(gradients))
        return norm + 0.0 * self.terms[LOSS] if LOSS in self.terms else norm

    def loss(self) -> Tensor:
        """Compute its loss as a twice differentiable function of everybody's parameters.

        In float32 or better. Nobody is frozen, and running statistics of the others stay.
        """
        self.logits = {}
        with self._on_copies(), gradients_without_autocast(self.device):
            terms = self.compute_terms(self.minibatch)
        terms[LOSS] = loss = total(terms)
        self.terms = added_up([terms])
        self._computed = True
        return loss

    def compute_terms(self, minibatch: Any) -> LossTerms:
        """The terms of its loss on a minibatch, those of its penalties included."""
        penalties = self.penalties_at(self.step_number) if self.penalties else {}
        if self.context is None and not penalties:
            return self.losses(minibatch)
        context = Context(minibatch) if self.context is None else self.context(minibatch)
        terms = self.terms_of(context, penalties)
        if self.backend.keeps_logits:
            for side, logits in context.computed_logits():
                self.logits.setdefault(side, []).append(logits)
        return terms

    def penalties_at(self, step: int) -> dict[str, Penalty]:
        """Those of its penalties that apply in its step of this number, from 0."""
        return {name: p for name, p in self.penalties.items() if p.applies_at(step)}

    def terms_of(self, context: Context, penalties: dict[str, Penalty]) -> LossTerms:
        """The terms of its loss in a context, and those of penalties."""
        context.player = self
        for mixed in self.shown_as_real:
            context.show_as_real(mixed)
        for penalty in penalties.values():
            context.differentiated.update(penalty.differentiates)
            context.compared.update(penalty.compares)
        terms = self.losses(context.minibatch if self.context is None else context)
        for name, penalty in penalties.items():
            terms[name] = penalty(context)
        return terms

    def gradients(self) -> list[Tensor]:
        """Copies of the gradients in place, without a gradient scaler's factor; else zeros."""
        found = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        return [gradient / self._scaled_by for gradient in found]

    def set_gradients(self, gradients: Sequence[Tensor]) -> None:
        """Put gradients in place, in the order of the parameters, as a backward pass would."""
        scale = self._scaled_by = self.backend.scale()
        for parameter, gradient in zip(self.parameters, gradients, strict=True):
            parameter.grad = gradient.detach() if scale == 1.0 else scale * gradient.detach()
        if self._computed and self.backend.averages:
            self.backend.average(self.parameters, self.terms[LOSS])

    def step(self) -> None:
        """Let its optimizer step along the gradients that are in place."""
        self.backend.step(self, counted=True)

    def extrapolate(self) -> None:
        """Take a step that will be taken back, and is not counted."""
        self.backend.step(self, counted=False)

    def follow_scale(self, scale: float) -> None:
        """Rescale where another player's step has changed a gradient scaler's factor meanwhile."""
        if scale != self._scaled_by:
            for gradient in [p.grad for p in self.parameters if p.grad is not None]:
                gradient.mul_(scale / self._scaled_by)
            self._scaled_by = scale

    def _backward(self, minibatch: Any, share: float) -> LossTerms:
        """Add the gradients of the loss of a part of the step, whose terms are returned."""
        terms = self.compute_terms(minibatch)
        if share != 1.0:
            terms = times(share, terms)
        terms[LOSS] = loss = total(terms)
        self.backend.backward(loss)
        for name, term in terms.items():
            terms[name] = term.detach()
        return terms

    def _micro_batches(self) -> list[tuple[Any, float]]:
        """The parts of its step, each with its share of the samples."""
        parts = self.minibatch.split(self.backend.micro_batches)
        return [(part, part.size / self.minibatch.size) for part in parts]

    @contextmanager
    def _on_copies(self) -> Iterator[None]:
        """Let everybody's running statistics change on copies; only its own stay changed.

        Gradients may reach everybody, and a graph that has saved the statistics can still be
        differentiated after they have changed.
        """
        theirs = {id(buffer) for buffer in self._buffers}
        before = [(module, name, getattr(module, name)) for module, name in self._places]
        for module, name, buffer in before:
            setattr(module, name, buffer.clone())
        try:
            yield
        finally:
            for module, name, buffer in before:
                changed = getattr(module, name)
                setattr(module, name, buffer)
                if id(buffer) not in theirs:
                    buffer.copy_(changed.detach())


@torch.no_grad()
def put_back(buffers: list[Tensor], before: list[Tensor]) -> None:
    """Give buffers the values that they had before."""
    torch._foreach_copy_(buffers, before)
