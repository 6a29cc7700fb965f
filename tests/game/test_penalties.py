"""No penalty that is accepted goes without being computed."""

import pytest
import torch

from ganzoo.composition.compose import compose_config, group_choices
from ganzoo.composition.create import build_model
from ganzoo.errors import InputError
from ganzoo.penalties.historical_averaging import HistoricalAveraging
from ganzoo.penalties.orthogonal import Orthogonal
from ganzoo.penalties.spectral import SpectralNormPenalty

SETTINGS = ("dataset=digits", "network=mlp", "latent.latent_dim=12")
SMALL = ("network.generator.width=8", "network.generator.depth=2")
# Choices of parts of a model that is there; the VAE refuses all penalties.
OTHERS = {"dcgan", "lsgan", "hinge", "pacgan", "vae"}


def composed(name):
    return compose_config([f"model={name}", *SETTINGS, *SMALL])


def penalties(player):
    always = {"weight": 0.1, "interval": 1, "on": player}
    return {
        f"orthogonal_of_{player}": Orthogonal(**always, layers=["*"]),
        f"spectral_of_{player}": SpectralNormPenalty(**always, layers=["*"], power_iterations=1),
        f"average_of_{player}": HistoricalAveraging(**always),
    }


@pytest.mark.parametrize("name", sorted({*group_choices("model")} - OTHERS))
def test_every_penalty_of_every_player_is_a_term_of_it(trainer, batches, name):
    config = composed(name)
    players = [player.name for player in build_model(config, name, "digits").players]
    chosen = {title: found for player in players for title, found in penalties(player).items()}
    model = build_model(config, name, "digits", penalties=chosen)
    trainer(2).fit(model, batches(20, 1, 8, 8, labels=10))
    for title, penalty in chosen.items():
        assert model.latest_terms[f"{penalty.on}/{title}"] > 0, title


@pytest.mark.parametrize(("name", "player"), [("bigan", "classifier"), ("info_gan", "encoder")])
def test_penalties_of_players_that_are_not_there_are_refused_when_the_model_is_built(name, player):
    config = composed(name)
    for title, penalty in penalties(player).items():
        with pytest.raises(InputError, match=f"{title}: no player is named '{player}'"):
            build_model(config, name, "digits", penalties={title: penalty})


def test_an_average_of_an_encoder_begins_with_its_first_weights():
    chosen = {"average": penalties("encoder")["average_of_encoder"]}
    model = build_model(composed("bigan"), "bigan", "digits", penalties=chosen)
    means = model.penalties["average"].means()
    for mean, parameter in zip(means, model.encoder.parameters(), strict=True):
        assert torch.equal(mean, parameter)
