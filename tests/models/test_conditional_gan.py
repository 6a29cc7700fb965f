import copy
from functools import partial

import torch
from torch import nn
from torch.nn.functional import one_hot, softplus

from ganzoo.models.conditional_gan import ConditionalGAN
from ganzoo.networks.conditional import LabelCodeDiscriminator, LabelCodeGenerator
from ganzoo.networks.label_codes import OneHotLabels

ADAM = partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.999))


def generator_network(latent_dim):
    return nn.Linear(latent_dim, 2)


def discriminator_network(shape):
    return nn.Sequential(nn.Linear(shape[0], 8), nn.Tanh(), nn.Linear(8, 1), nn.Flatten(0))


def test_equation_2_written_out_by_hand(gan, trainer, batches):
    """Both players are given the labels of the real batch, beside their usual input."""
    model = gan(
        ConditionalGAN,
        num_classes=3,
        generator=LabelCodeGenerator(
            network=generator_network, latent_dim=4, label_code=OneHotLabels(num_classes=3)
        ),
        discriminator=LabelCodeDiscriminator(
            network=discriminator_network, shape=[2], label_code=OneHotLabels(num_classes=3)
        ),
    )
    generator = copy.deepcopy(model.generator.network)
    discriminator = copy.deepcopy(model.discriminator.network)
    torch.manual_seed(1)
    trainer(3).fit(model, batches(6, 2, labels=3))

    torch.manual_seed(1)
    of_generator, of_discriminator = ADAM(generator.parameters()), ADAM(discriminator.parameters())
    stream = iter(batches(6, 2, labels=3))
    for _ in range(3):
        real, labels = next(stream)
        marks = one_hot(labels, 3).float()
        fake = generator(torch.cat([torch.randn(6, 4), marks], 1)).detach()
        judged = [discriminator(torch.cat([data, marks], 1)) for data in (real, fake)]
        of_discriminator.zero_grad()
        (softplus(-judged[0]).mean() + softplus(judged[1]).mean()).backward()
        of_discriminator.step()
        fake = generator(torch.cat([torch.randn(6, 4), marks], 1))
        of_generator.zero_grad()
        softplus(-discriminator(torch.cat([fake, marks], 1))).mean().backward()
        of_generator.step()

    torch.testing.assert_close(model.generator.network.weight, generator.weight)
    for mine, theirs in zip(
        model.discriminator.network.parameters(), discriminator.parameters(), strict=True
    ):
        torch.testing.assert_close(mine, theirs)
