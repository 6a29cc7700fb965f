"""VQGAN: the game against a loop written by hand, and what its users get."""

import copy
from functools import partial

import pytest
import torch
from torch.nn.functional import l1_loss, relu
from torch.optim import SGD, Adam
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.errors import InputError
from ganzoo.losses import Hinge
from ganzoo.models.vqgan import VQGAN
from ganzoo.networks.normalization import NoNorm
from ganzoo.networks.patchgan import PatchGANDiscriminator
from ganzoo.networks.vector_quantizer import VectorQuantizer
from ganzoo.networks.vqgan import VQGANDecoder, VQGANEncoder

ADAM = partial(Adam, lr=1e-3, betas=(0.5, 0.9))
DESCENT = partial(SGD, lr=0.05)  # Adam makes steps of rounding where gradients nearly vanish
SMALL = {"shape": [1, 8, 8], "width": 8, "z_channels": 8, "groups": 4, "code_dim": 4}


def vqgan(**changes):
    torch.manual_seed(0)
    settings = {
        "encoder": VQGANEncoder(**SMALL),
        "quantizer": VectorQuantizer(num_codes=16, code_dim=4),
        "decoder": VQGANDecoder(**SMALL),
        "discriminator": PatchGANDiscriminator(
            shape=[1, 8, 8], width=4, downsamplings=1, normalization=NoNorm()
        ),
        "loss": Hinge(),
        "adversarial_start": 1,
        "optimizers": ADAM,
        "ema": None,
    }
    return VQGAN(**settings | changes)


@pytest.fixture
def loader():
    torch.manual_seed(1)
    return DataLoader(TensorDataset(torch.rand(12, 1, 8, 8) * 2 - 1), batch_size=4)


def test_three_iterations_of_a_loop_written_by_hand(
    trainer, loader, take_step, assert_same_weights
):
    model = vqgan(optimizers=DESCENT)
    mine = [model.encoder, model.quantizer, model.decoder, model.discriminator]
    encoder, quantizer, decoder, discriminator = theirs = copy.deepcopy(mine)
    parts = (encoder, quantizer, decoder)
    of_autoencoder = DESCENT([p for part in parts for p in part.parameters()])
    of_discriminator = DESCENT(discriminator.parameters())
    trainer(3).fit(model, loader)
    for step, (real,) in enumerate(loader):
        found = quantizer(encoder(real))
        fake = decoder(found.codes)
        reconstruction = l1_loss(fake, real)
        loss = reconstruction + sum(found.losses.values())
        if step >= 1:
            adversarial = -discriminator(fake).mean()
            sizes = [
                torch.autograd.grad(term, decoder.last_layer, retain_graph=True)[0].norm()
                for term in (reconstruction, adversarial)
            ]
            weight = (sizes[0] / (sizes[1] + 1e-4)).clamp(0, 1e4).detach()
            loss = loss + 0.8 * weight * adversarial
        take_step(of_autoencoder, loss)
        if step >= 1:
            with torch.no_grad():
                fake = decoder(quantizer(encoder(real)).codes)
            hinge = relu(1 - discriminator(real)).mean() + relu(1 + discriminator(fake)).mean()
            take_step(of_discriminator, hinge / 2)
    assert_same_weights(mine, theirs)


def test_before_the_start_the_discriminator_stays(trainer, loader):
    model = vqgan(adversarial_start=5)
    before = copy.deepcopy(model.discriminator.state_dict())
    trainer(3).fit(model, loader)
    for name, value in model.discriminator.state_dict().items():
        assert torch.equal(value, before[name])
    assert "autoencoder/adversarial" not in model.latest_terms


def test_use_of_the_codebook_and_the_weight_are_logged(trainer, loader):
    model = vqgan(adversarial_start=0)
    trainer(1).fit(model, loader)
    terms = model.latest_terms
    assert 1 <= terms["autoencoder/perplexity"] <= 16
    assert 0 < terms["autoencoder/used"] <= 1
    assert terms["autoencoder/adaptive_weight"] > 0
    parts = ("reconstruction", "codebook", "commitment", "adversarial")
    total = sum(terms[f"autoencoder/{name}"] for name in parts)
    torch.testing.assert_close(terms["autoencoder/loss"], total)


def test_pictures_come_from_their_codes(loader):
    model = vqgan()
    images = torch.rand(3, 1, 8, 8) * 2 - 1
    codes = model.encode(images)
    assert codes.shape == (3, 4, 4)
    assert 0 <= codes.min() <= codes.max() < 16
    torch.testing.assert_close(model.decode(codes), model.reconstruct(images, batch_size=2))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"adversarial_start": -1}, "adversarial_start must be"),
        ({"eps": 0.0}, "eps must be"),
        ({"quantizer": torch.nn.Identity()}, "quantizer must be a VectorQuantizer"),
    ],
)
def test_what_does_not_fit_is_refused(changes, words):
    with pytest.raises(InputError, match=words):
        vqgan(**changes)
