import copy
from functools import partial

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.models.wgan_gp import WGANGP
from ganzoo.penalties.gradient_penalty import GradientPenalty

ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))


def test_algorithm_1_written_out_by_hand(gan, trainer, batches, monkeypatch):
    """With the interpolation fixed at a half, so that both sides draw the same numbers."""
    monkeypatch.setattr(
        "ganzoo.penalties.gradient_penalty.interpolate",
        lambda real, fake, packing: (real + fake) / 2,
    )
    model = gan(
        WGANGP,
        loss=Wasserstein(),
        gradient_penalty=GradientPenalty(weight=10.0, interval=1),
        discriminator_steps=2,
    )
    critic, generator = copy.deepcopy(model.discriminator), copy.deepcopy(model.generator)
    torch.manual_seed(1)
    trainer(3).fit(model, batches(8, 2))

    torch.manual_seed(1)
    of_critic, of_generator = ADAM(critic.parameters()), ADAM(generator.parameters())
    stream = iter(batches(8, 2))
    for _ in range(3):
        for real in next(stream)[0].split(4):
            fake = generator(torch.randn(4, 4)).detach()
            between = ((real + fake) / 2).requires_grad_()
            (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
            penalty = (slope.pow(2).sum(1).sqrt() - 1).pow(2).mean()
            of_critic.zero_grad()
            (critic(fake).mean() - critic(real).mean() + 10 * penalty).backward()
            of_critic.step()
        of_generator.zero_grad()
        (-critic(generator(torch.randn(4, 4))).mean()).backward()
        of_generator.step()

    for mine, theirs in zip(model.discriminator.parameters(), critic.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)
    for mine, theirs in zip(model.generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_the_penalty_is_a_logged_term(gan, trainer, batches):
    model = gan(
        WGANGP, loss=Wasserstein(), gradient_penalty=GradientPenalty(weight=10.0, interval=1)
    )
    run = trainer(1)
    run.fit(model, batches(8, 2))
    terms = ("real", "fake", "gradient_penalty")
    values = [float(run.callback_metrics[f"discriminator/{term}"]) for term in terms]
    assert values[2] > 0
    assert sum(values) == pytest.approx(float(run.callback_metrics["discriminator/loss"]), rel=1e-5)


def test_a_second_penalty_of_the_same_name_is_refused(gan):
    penalty = GradientPenalty(weight=10.0, interval=1)
    with pytest.raises(InputError, match="has its gradient penalty already"):
        gan(WGANGP, gradient_penalty=penalty, penalties={"gradient_penalty": penalty})
