"""The loop that somebody would write by hand: networks and optimizers of a case, nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from benchmarks.gpu.cases import Case, Setting
from benchmarks.gpu.prepared import autocast, prepare
from benchmarks.library import parts_of

Pair = tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]

# The losses as their papers print them: of the discriminator on real and fake, of the generator.
LOSSES: dict[str, Pair] = {
    "hinge": (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda f: -f.mean()),
    "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
    "non_saturating": (
        lambda r, f: softplus(-r).mean() + softplus(f).mean(),
        lambda f: softplus(-f).mean(),
    ),
}


def gradient_penalty(discriminator: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Ten times the squared distance of the gradient's norm from 1, between real and fake."""
    share = torch.rand(len(real), *[1] * (real.dim() - 1), device=real.device)
    between = (share * real + (1 - share) * fake).requires_grad_()
    with torch.autocast(real.device.type, enabled=False):
        logits = discriminator(between).sum()
        (gradient,) = torch.autograd.grad(logits, between, create_graph=True)
    return 10 * (gradient.flatten(1).norm(dim=1) - 1).square().mean()


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
        torch.manual_seed(seed)

    def iteration(self, batch: Tensor) -> Tensor:
        """Update the discriminator on each part of a batch, then the generator; D's last loss."""
        for real in batch.tensor_split(self.case.steps):
            loss = self._update_discriminator(real)
        self._update_generator(len(real))
        return loss

    def _update_discriminator(self, real: Tensor) -> Tensor:
        parts = self.parts
        with autocast(self.setting, self.device):
            with torch.no_grad():
                fake = parts.generator(parts.latents(len(real), self.device))
            loss = self.loss(parts.discriminator(real), parts.discriminator(fake))
        if self.case.penalised:
            loss = loss + gradient_penalty(parts.discriminator, real, fake.float())
        parts.of_discriminator.zero_grad()
        loss.backward()
        parts.of_discriminator.step()
        return loss.detach()

    def _update_generator(self, count: int) -> None:
        parts = self.parts
        parts.discriminator.requires_grad_(False)
        with autocast(self.setting, self.device):
            fake = parts.generator(parts.latents(count, self.device))
            loss = self.generator_loss(parts.discriminator(fake))
        parts.of_generator.zero_grad()
        loss.backward()
        parts.of_generator.step()
        parts.discriminator.requires_grad_(True)
