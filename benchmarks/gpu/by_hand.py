"""The loop that somebody would write by hand: networks and optimizers of a case, nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from benchmarks.gpu.cases import Case, Setting
from benchmarks.gpu.prepared import autocast, prepare
from benchmarks.library import parts_of

Logits = Tensor

# The losses as their papers print them: of the discriminator, and of the generator, on the logits
# of real and of generated data.
LOSSES: dict[str, tuple[Callable[[Logits, Logits], Tensor], Callable[[Logits, Logits], Tensor]]] = {
    "hinge": (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda r, f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda r, f: -f.mean()),
    "non_saturating": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda r, f: softplus(-f).mean(),
    ),
    "relativistic": (lambda r, f: softplus(f - r).mean(), lambda r, f: softplus(r - f).mean()),
}


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Ten times the squared distance of the gradient's norm from 1, between real and fake."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    gradient = _gradient(discriminator, share * real + (1 - share) * fake)
    return 10 * (gradient.flatten(1).norm(dim=1) - 1).square().mean()


def r1(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Half of ten times the mean squared norm of the gradient on real data."""
    return 10 / 2 * _gradient(discriminator, real).square().sum() / len(real)


def r2(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """The same on generated data."""
    return r1(discriminator, fake, real)


def _gradient(discriminator: nn.Module, data: Tensor) -> Tensor:
    data = data.detach().requires_grad_()
    with torch.autocast(data.device.type, enabled=False):
        logits = discriminator(data).sum()
        (gradient,) = torch.autograd.grad(logits, data, create_graph=True)
    return gradient


PENALTIES = {"gradient_penalty": gradient_penalty, "r1": r1, "r2": r2}


class HandWritten:
    """An iteration at a time.

    Args:
        case: What is trained.
        setting: How.
        device: Where.
        seed: Of the weights and the latents.
    """

    def __init__(self, case: Case, setting: Setting, device: torch.device, seed: int = 0) -> None:
        self.parts = parts_of(prepare(case, setting, device, seed))
        self.case, self.setting, self.device = case, setting, device
        self.loss, self.generator_loss = LOSSES[case.loss]
        self.penalties = [PENALTIES[name] for name in case.penalty.split(",") if name != "none"]
        self.pairs = case.loss == "relativistic"
        torch.manual_seed(seed)

    def iteration(self, batch: Tensor) -> Tensor:
        """Update the discriminator on each part of a batch, then the generator; D's last loss."""
        for real in batch.tensor_split(self.case.steps):
            loss = self._update_discriminator(real)
        self._update_generator(real)
        return loss

    def _update_discriminator(self, real: Tensor) -> Tensor:
        parts = self.parts
        with autocast(self.setting, self.device):
            with torch.no_grad():
                fake = parts.generator(parts.latents(len(real), self.device))
            loss = self.loss(parts.discriminator(real), parts.discriminator(fake))
        for penalty in self.penalties:
            loss = loss + penalty(parts.discriminator, real, fake.float())
        parts.of_discriminator.zero_grad()
        loss.backward()
        parts.of_discriminator.step()
        return loss.detach()

    def _update_generator(self, real: Tensor) -> None:
        parts = self.parts
        parts.discriminator.requires_grad_(False)
        with autocast(self.setting, self.device):
            fake = parts.discriminator(parts.generator(parts.latents(len(real), self.device)))
            on_real = parts.discriminator(real) if self.pairs else fake
            loss = self.generator_loss(on_real, fake)
        parts.of_generator.zero_grad()
        loss.backward()
        parts.of_generator.step()
        parts.discriminator.requires_grad_(True)
