"""No penalty that is accepted goes without being computed, on any player."""

from functools import partial

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.composition.create import build_model
from ganzoo.errors import InputError
from ganzoo.penalties.historical_averaging import HistoricalAveraging
from ganzoo.penalties.latent_consistency import LatentConsistency
from ganzoo.penalties.orthogonal import Orthogonal
from ganzoo.penalties.spectral import SpectralNormPenalty
from ganzoo.penalties.weight_clipping import WeightClipping

SETTINGS = ("dataset=digits", "network=mlp", "network.latent.latent_dim=12")
SMALL = ("network.generator.width=8", "network.generator.depth=2")
PATCHES = ("network.discriminator.width=8",)
NARROW = ("network.generator.width=8", "network.generator.max_width=8")
OF_OTHER_NETWORKS = {
    "cycle_gan": (*PATCHES, "network.generator.width=8", "network.generator.blocks=1"),
    "pix2pix": (*PATCHES, "network.generator.width=8"),
    "r3gan": ("dataset=digits", *NARROW),
    "stylegan2": ("dataset=digits", *NARROW),
    "vqgan": ("dataset=digits", *PATCHES),
}
# Choices of parts of a model that is there.
OTHERS = {"dcgan", "lsgan", "hinge", "pacgan"}


def composed(name):
    own = OF_OTHER_NETWORKS.get(name, (*SETTINGS, *SMALL))
    return compose_config([f"model={name}", "dataset.batch_size=20", *own])


def penalties(player):
    always = {"weight": 0.1, "interval": 1, "on": player}
    return {
        f"orthogonal_of_{player}": Orthogonal(**always, layers=["*"]),
        f"spectral_of_{player}": SpectralNormPenalty(**always, layers=["*"], power_iterations=1),
        f"average_of_{player}": HistoricalAveraging(**always),
    }


@pytest.mark.parametrize("name", sorted({*group_choices("model")} - OTHERS))
def test_every_penalty_of_every_player_is_a_term_of_it(trainer, name):
    config = composed(name)
    players = [player.name for player in build_model(config, name, "digits").players]
    chosen = {title: found for player in players for title, found in penalties(player).items()}
    model = build_model(config, name, "digits", penalties=chosen)
    trainer(2).fit(model, datamodule=build(config.dataset.datamodule))
    for title, penalty in chosen.items():
        assert model.latest_terms[f"{penalty.on}/{title}"] > 0, title


@pytest.mark.parametrize(("name", "player"), [("bigan", "classifier"), ("info_gan", "encoder")])
def test_penalties_of_players_that_are_not_there_are_refused_when_the_model_is_built(name, player):
    config = composed(name)
    for title, penalty in penalties(player).items():
        with pytest.raises(InputError, match=f"{title}: no player is named '{player}'"):
            build_model(config, name, "digits", penalties={title: penalty})


def test_penalties_that_come_or_go_after_the_model_is_built_are_refused(trainer, batches, gan):
    late, bare = gan(), gan(penalties={"mine": Orthogonal(weight=1.0, on="generator")})
    late.penalties["mine"] = Orthogonal(weight=1.0, on="generator")
    del bare.penalties["mine"]
    for model, said in ((late, "'mine' came later"), (bare, "one of them is gone")):
        with pytest.raises(InputError, match=f"when a model is built, and {said}: build it with"):
            trainer(1).fit(model, batches(16, 2))


def test_an_average_of_an_encoder_begins_with_its_first_weights():
    chosen = {"average": penalties("encoder")["average_of_encoder"]}
    model = build_model(composed("bigan"), "bigan", "digits", penalties=chosen)
    means = model.penalties["average"].means()
    for mean, parameter in zip(means, model.encoder.parameters(), strict=True):
        assert torch.equal(mean, parameter)


PLAYERS = [
    ("bigan", "encoder"),
    ("vae_gan", "encoder"),
    ("adversarial_autoencoder", "encoder"),
    ("info_gan", "classifier"),
]
RATE, WEIGHT = 0.01, 0.3


def weights_after(iterations, name, player, penalty, trainer, batches):
    """The player's weights before and after each iteration of plain gradient descent."""
    sgd = partial(torch.optim.SGD, lr=RATE)
    given = {} if penalty is None else {"penalty": penalty}
    torch.manual_seed(0)
    model = build_model(composed(name), name, "digits", penalties=given, optimizers=sgd)
    network = getattr(model, player)
    found = [[p.detach().clone() for p in network.parameters()]]
    finish = model.end_iteration

    def watched():
        finish()
        found.append([p.detach().clone() for p in network.parameters()])

    model.end_iteration = watched
    torch.manual_seed(1)
    trainer(iterations).fit(model, batches(20, 1, 8, 8))
    return network, found


@pytest.mark.parametrize(("name", "player"), PLAYERS)
def test_an_orthogonal_penalty_moves_its_player_by_its_gradient(trainer, batches, name, player):
    penalty = Orthogonal(weight=WEIGHT, interval=1, on=player, layers=["*"])
    _, plain = weights_after(1, name, player, None, trainer, batches)
    network, found = weights_after(1, name, player, penalty, trainer, batches)
    matrices = [m.weight for m in network.modules() if isinstance(m, nn.Linear)]
    with torch.no_grad():
        for parameter, first in zip(network.parameters(), found[0], strict=True):
            parameter.copy_(first)
    products = [matrix @ matrix.T for matrix in matrices]
    value = sum((p - p.diagonal().diag()).square().sum() for p in products)
    slopes = torch.autograd.grad(
        WEIGHT * value, list(network.parameters()), materialize_grads=True, allow_unused=True
    )
    assert max(slope.abs().max() for slope in slopes) > 1e-3
    for mine, theirs, slope in zip(found[1], plain[1], slopes, strict=True):
        torch.testing.assert_close(mine - theirs, -RATE * slope, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize(("name", "player"), PLAYERS)
def test_historical_averaging_draws_its_player_to_its_mean(trainer, batches, name, player):
    """In the second iteration the mean is that of the first two places."""
    penalty = HistoricalAveraging(weight=30 * WEIGHT, interval=1, on=player)
    _, plain = weights_after(2, name, player, None, trainer, batches)
    _, (first, second, third) = weights_after(2, name, player, penalty, trainer, batches)
    for zero, one, two, other in zip(first, second, third, plain[2], strict=True):
        back = 2 * 30 * WEIGHT * (one - (zero + one) / 2)
        torch.testing.assert_close(two - other, -RATE * back, rtol=1e-2, atol=1e-6)
    assert any(not torch.equal(two, other) for two, other in zip(third, plain[2], strict=True))


@pytest.mark.parametrize(
    ("model", "overrides", "message"),
    [
        (
            "gan",
            ["penalty=orthogonal", "penalty.orthogonal.on=encoder"],
            "penalty orthogonal: no player is named 'encoder'",
        ),
        (
            "gan",
            ["penalty=r1", "penalty.r1.on=discriminater"],
            "no player is named 'discriminater': did you mean 'discriminator'",
        ),
        ("vae", ["penalty=r1"], "penalty r1: no player is named 'discriminator'"),
        (
            "bigan",
            ["penalty=r1", "penalty.r1.on=encoder"],
            "penalty r1 acts on a discriminator, and encoder is none: "
            "set penalty.r1.on=discriminator",
        ),
        (
            "info_gan",
            ["penalty=consistency", "penalty.consistency.on=classifier"],
            "penalty consistency acts on a discriminator, and classifier is none",
        ),
        (
            "gan",
            ["penalty=path_length", "penalty.path_length.on=discriminator"],
            "penalty path_length acts on a generator, and discriminator is none: "
            "set penalty.path_length.on=generator",
        ),
    ],
)
def test_penalties_that_cannot_act_are_refused_when_the_model_is_made(model, overrides, message):
    with pytest.raises(InputError, match=message) as error:
        ganzoo.create_model(model, dataset="digits", overrides=[*overrides, *SETTINGS[1:]])
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("name", ["vqgan", "pix2pix"])
def test_what_needs_a_generator_of_latents_is_refused_where_there_is_none(name):
    with pytest.raises(InputError, match="moved needs a generator of latents, and there is none"):
        build_model(composed(name), name, "digits", penalties={"moved": LatentConsistency()})


def test_constraints_and_functions_are_refused_as_penalties_are(gan):
    with pytest.raises(InputError, match="penalty clipping: no player is named 'critic'"):
        gan(penalties={"clipping": WeightClipping(clip_value=0.1, on="critic")})
    with pytest.raises(InputError, match="penalty own: no player is named 'discriminator'"):
        ganzoo.create_model(
            "vae", dataset="digits", penalties={"own": lambda discriminator, real, fake: fake}
        )
