"""No penalty that is accepted goes without being computed."""

import pytest
import torch

import ganzoo
from ganzoo.composition.compose import group_choices
from ganzoo.errors import InputError
from ganzoo.models.gan import GAN
from ganzoo.penalties.historical_averaging import HistoricalAveraging
from ganzoo.penalties.orthogonal import Orthogonal
from ganzoo.penalties.spectral import SpectralRegularization

PLAYERS = ("discriminator", "generator", "encoder", "classifier")
SMALL = ("latent.latent_dim=12", "network.generator.width=8", "network.generator.depth=2")
# Choices of parts of a model that is there.
RECIPES = {"dcgan", "lsgan", "hinge", "pacgan", "conditional_gan"}


def penalties(player):
    chosen = {"player": player, "layers": ["*"]}
    return {
        f"orthogonal_of_{player}": Orthogonal(weight=0.1, interval=1, **chosen),
        f"spectral_of_{player}": SpectralRegularization(weight=0.1, interval=1, **chosen),
        f"average_of_{player}": HistoricalAveraging(weight=0.1, interval=1, player=player),
    }


def create(name, chosen):
    return ganzoo.create_model(
        name, dataset="digits", overrides=["network=mlp", *SMALL], penalties=chosen
    )


@pytest.mark.parametrize("name", sorted({*group_choices("model")} - RECIPES - {"vae"}))
def test_every_penalty_of_a_player_is_a_term_of_it_or_refused(trainer, batches, name):
    accepted, chosen = [], {}
    for player in PLAYERS:
        try:
            create(name, penalties(player))
        except InputError as error:
            assert f"no player is named '{player}'" in str(error)
        else:
            accepted.append(player)
            chosen |= penalties(player)
    model = create(name, chosen)
    assert isinstance(model, GAN)
    assert accepted == [player for player in PLAYERS if player in {p.name for p in model.players()}]
    trainer(2).fit(model, batches(20, 1, 8, 8, labels=10))
    for player in accepted:
        for penalty in penalties(player):
            assert model.latest_terms[f"{player}/{penalty}"] > 0, penalty


def test_an_average_of_an_encoder_begins_with_its_first_weights():
    model = create(
        "bigan", {"average": HistoricalAveraging(weight=1.0, interval=1, player="encoder")}
    )
    means = model.penalties["average"].means()
    for mean, parameter in zip(means, model.encoder.parameters(), strict=True):
        assert torch.equal(mean, parameter)
