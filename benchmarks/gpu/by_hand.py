"""The loop that somebody would write by hand: networks and optimizers of a case, nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import relu, softplus

from benchmarks.gpu.cases import Case, Setting
from ganzoo.models.gan import GAN

Pair = tuple[Callable[[Tensor, Tensor], Tensor], Callable[[Tensor], Tensor]]

# The losses as their papers print them: of the discriminator on real and fake, of the generator.
LOSSES: dict[str, Pair] = {
    "Hinge": (lambda r, f: relu(1 - r).mean() + relu(1 + f).mean(), lambda f: -f.mean()),
    "Wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
    "NonSaturating": (
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
        self.game: GAN = setting.prepare(case.model(seed).to(device))
        self.case, self.setting, self.device = case, setting, device
        (self.of_discriminator, self.of_generator), _ = self.game.configure_optimizers()
        self.loss, self.generator_loss = LOSSES[type(self.game.loss).__name__]
        torch.manual_seed(seed)

    def iteration(self, batch: Tensor) -> Tensor:
        """Update the discriminator on each part of a batch, then the generator; D's last loss."""
        for real in batch.tensor_split(self.case.steps):
            loss = self._update_discriminator(real)
        self._update_generator(len(real))
        return loss

    def _update_discriminator(self, real: Tensor) -> Tensor:
        game = self.game
        with self.setting.autocast(self.device):
            with torch.no_grad():
                fake = game.generator(self._latents(len(real)))
            loss = self.loss(game.discriminator(real), game.discriminator(fake))
        if game.penalties:
            loss = loss + gradient_penalty(game.discriminator, real, fake.float())
        self.of_discriminator.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.of_discriminator.step()
        return loss.detach()

    def _update_generator(self, count: int) -> None:
        game = self.game
        game.discriminator.requires_grad_(False)
        with self.setting.autocast(self.device):
            fake = game.generator(self._latents(count))
            loss = self.generator_loss(game.discriminator(fake))
        self.of_generator.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.of_generator.step()
        game.discriminator.requires_grad_(True)

    def _latents(self, count: int) -> Tensor:
        return self.game.latent_prior.sample(count, device=self.device)
