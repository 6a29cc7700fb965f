"""The game of Donahue et al. against a loop written by hand, and how well the encoder inverts."""

import copy
from functools import partial

import pytest
import torch
from lightning.pytorch import seed_everything
from torch import nn
from torch.nn.functional import softplus

from ganzoo.composition.compatibility import part_config
from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.composition.create import build_model
from ganzoo.errors import InputError
from ganzoo.models.bigan import BiGAN, check_exchange
from ganzoo.networks.encoders import Encoder
from ganzoo.networks.joining import with_vectors

SGD = partial(torch.optim.SGD, lr=0.05)
PAIRS = dict.fromkeys(("encoder", "discriminator", "generator"), SGD)


def test_pairs_of_points_and_of_images():
    points = with_vectors(torch.ones(3, 2), torch.arange(12.0).view(3, 4))
    torch.testing.assert_close(points[1], torch.tensor([1.0, 1.0, 4.0, 5.0, 6.0, 7.0]))
    images = with_vectors(torch.zeros(2, 3, 5, 5), torch.tensor([[7.0], [8.0]]))
    assert images.shape == (2, 4, 5, 5)
    assert (images[:, :3] == 0).all()
    assert (images[0, 3] == 7).all()
    assert (images[1, 3] == 8).all()


def test_equation_3_written_out_by_hand(gan, trainer, batches, take_step, assert_same_weights):
    game = gan(
        BiGAN,
        encoder=Encoder(network=lambda outputs: nn.Linear(2, outputs), latent_dim=4),
        discriminator=nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0)),
        optimizers=PAIRS,
    )
    encoder, discriminator, generator = (
        copy.deepcopy(part) for part in (game.encoder, game.discriminator, game.generator)
    )
    torch.manual_seed(1)
    trainer(2).fit(game, batches(8, 2))

    torch.manual_seed(1)
    steppers = [SGD(part.parameters()) for part in (discriminator, encoder, generator)]
    stream = iter(batches(8, 2))

    def real(data):
        return discriminator(torch.cat([data, encoder(data)], 1))

    def fake():
        latents = torch.randn(8, 4)
        return discriminator(torch.cat([generator(latents), latents], 1))

    for _ in range(2):
        (data,) = next(stream)
        take_step(steppers[0], softplus(-real(data)).mean() + softplus(fake()).mean())
        take_step(steppers[1], softplus(real(data)).mean())
        take_step(steppers[2], softplus(-fake()).mean())

    mine = game.encoder, game.discriminator, game.generator
    assert_same_weights(mine, (encoder, discriminator, generator))


SYMMETRIC = {"hinge", "minimax", "non_saturating", "wasserstein", "relativistic"}


@pytest.mark.parametrize("name", group_choices("loss"))
def test_a_loss_is_taken_where_real_and_generated_data_can_change_places(name):
    loss = build(part_config("loss", name).loss)
    real, fake = torch.randn(2, 7, generator=torch.Generator().manual_seed(3))
    loss.eval()
    straight = sum(loss.discriminator(real, fake).values())
    alike = torch.allclose(straight, sum(loss.discriminator(-fake, -real).values()), atol=1e-6)
    assert alike or name not in SYMMETRIC
    if alike:
        check_exchange(loss)
    else:
        with pytest.raises(InputError, match="real and generated data cannot change places"):
            check_exchange(loss)


@pytest.mark.slow
def test_the_encoder_inverts_the_generator_on_digits(trainer):
    """Data come back far nearer to themselves than to other data, and so do latents."""
    config = compose_config(["experiment=bigan_digits", "trainer.max_steps=1500"])
    seed_everything(config.seed, verbose=False)
    model = build_model(config, "bigan", "digits")
    data = build(config.dataset.datamodule)
    trainer(config.trainer.max_steps, log_every_n_steps=50).fit(model, datamodule=data)
    model.eval()
    real, _ = data.real(1000, 0)
    latents = model.latents(1000)
    with torch.no_grad():
        rebuilt = model.decode(model.encode(real), None, averaged=True, batch_size=500)
        found = model.encode(model.decode(latents, None, averaged=True, batch_size=500))
    for whole, back in ((real.flatten(1), rebuilt.flatten(1)), (latents, found)):
        nearest = torch.cdist(back, whole).argmin(1)
        assert (nearest == torch.arange(1000)).float().mean() > 0.03  # 0.001 by chance
        own = (back - whole).square().mean()
        assert own < 0.6 * (back - whole.roll(1, 0)).square().mean()
