import copy
from functools import partial

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.losses.wasserstein import Wasserstein
from ganzoo.models.wgan import WGAN

RMSPROP = partial(torch.optim.RMSprop, lr=5e-3)
OPTIMIZERS = {"generator": RMSPROP, "discriminator": RMSPROP}


def test_algorithm_1_written_out_by_hand(gan, trainer, batches):
    model = gan(
        WGAN, loss=Wasserstein(), optimizers=OPTIMIZERS, clip_value=0.05, discriminator_steps=2
    )
    critic, generator = copy.deepcopy(model.discriminator), copy.deepcopy(model.generator)
    torch.manual_seed(1)
    trainer(3).fit(model, batches(8, 2))

    torch.manual_seed(1)
    of_critic, of_generator = RMSPROP(critic.parameters()), RMSPROP(generator.parameters())
    stream = iter(batches(8, 2))
    for _ in range(3):
        for real in next(stream)[0].split(4):
            fake = generator(torch.randn(4, 4)).detach()
            of_critic.zero_grad()
            (critic(fake).mean() - critic(real).mean()).backward()
            of_critic.step()
            for weight in critic.parameters():
                weight.data.clamp_(-0.05, 0.05)
        of_generator.zero_grad()
        (-critic(generator(torch.randn(4, 4))).mean()).backward()
        of_generator.step()

    for mine, theirs in zip(model.discriminator.parameters(), critic.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)
    for mine, theirs in zip(model.generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs)


def test_only_the_critic_is_clipped(gan, trainer, batches):
    model = gan(WGAN, loss=Wasserstein(), clip_value=1e-3)
    trainer(2).fit(model, batches(8, 2))
    assert max(weight.abs().max() for weight in model.discriminator.parameters()) <= 1e-3
    assert max(weight.abs().max() for weight in model.generator.parameters()) > 0.1


@pytest.mark.parametrize("clip_value", [0.0, -0.01, float("nan")])
def test_clip_value_must_be_positive(gan, clip_value):
    with pytest.raises(InputError, match="clip_value must be a positive number"):
        gan(WGAN, clip_value=clip_value)
