"""First layers of discriminators that stay as they are."""

import copy

import pytest
import torch
from torch import nn

import ganzoo
from ganzoo.errors import InputError
from ganzoo.networks.input_layers import input_layers

NARROW = ["network.generator.width=4"]
STYLE = [
    "network.generator.max_width=8",
    "network.generator.style_dim=8",
    "network.latent.latent_dim=4",
]
SPECTRAL = "network.discriminator_normalization=spectral"
BATCH = "network.discriminator_normalization=batch"
# Model, settings, layers to freeze, and what then is the first layer that is trained.
GAMES = {
    "dcgan": ("dcgan", [*NARROW, BATCH, "dataset.image_size=16"], 1, "layers.2"),
    "spectral": ("hinge", [*NARROW, SPECTRAL], 1, "layers.2"),
    "mlp": ("wgan", [*NARROW, "network=mlp"], 1, "layers.2"),
    "resnet": ("hinge", [*NARROW, "network=resnet", "dataset.image_size=32"], 2, "blocks.2"),
    "labels": ("conditional_gan", NARROW, 1, "network.layers.2"),
    "stylegan2": ("stylegan2", [*STYLE, "dataset.image_size=16"], 1, "blocks.1"),
    "skip": (
        "stylegan2",
        [*STYLE, "dataset.image_size=16", "network.discriminator=stylegan2_skip"],
        1,
        "from_images.1",
    ),
    "r3gan": (
        "r3gan",
        ["network.generator.width=[8,8]", "network.generator.group_width=4"],
        1,
        "stages.1",
    ),
}


def created(name, count=None, **objects):
    model, words, usual, _ = GAMES[name]
    frozen = f"freeze_discriminator_layers={usual if count is None else count}"
    return ganzoo.create_model(model, dataset="digits", overrides=[*words, frozen], **objects)


def fitted(model, trainer, batches, steps=3):
    labels = 10 if getattr(model, "num_classes", None) else None
    side = model.configuration["dataset"]["shape"][1]
    trainer(steps).fit(model, batches(8, 1, side, side, labels=labels))


@pytest.mark.parametrize("name", GAMES)
def test_first_layers_and_their_statistics_do_not_move(name, trainer, batches):
    torch.manual_seed(0)
    model = created(name)
    before = copy.deepcopy(model.discriminator.state_dict())
    fitted(model, trainer, batches)
    after = model.discriminator.state_dict()
    same = {key for key, value in after.items() if torch.equal(value, before[key])}
    frozen = [place.removeprefix("discriminator.") for place in model.frozen_names()]
    assert frozen and not any(GAMES[name][3].startswith(place[:-1]) for place in frozen)
    held = {key for key in after if key.startswith(tuple(frozen))}
    assert held and held <= same
    moved = {key for key, _ in model.discriminator.named_parameters()} - held
    still = moved & same  # some losses have no gradient at the last bias
    assert len(still) <= 1 and all("bias" in key for key in still)
    assert any(key.startswith(GAMES[name][3]) for key in moved)


def test_others_move_as_ever_and_gradients_pass_through(trainer, batches):
    torch.manual_seed(0)
    model = created("dcgan")
    before = copy.deepcopy(model.generator.state_dict())
    fitted(model, trainer, batches)
    weights = dict(model.generator.named_parameters())
    assert not any(torch.equal(before[name], value) for name, value in weights.items())
    assert not any(p.requires_grad for p in model.discriminator.layers[0].parameters())


def test_frozen_statistics_normalise(trainer, batches):
    """In training mode too, whatever the batch."""
    torch.manual_seed(0)
    model = created("dcgan", count=2).train()
    norm = next(part for part in model.discriminator.modules() if isinstance(part, nn.BatchNorm2d))
    assert not norm.training and model.discriminator.training and model.generator.training
    first, second = torch.randn(2, 4, norm.num_features, 4, 4)
    alone, together = norm(first), norm(torch.cat([first, 9 * second]))[:4]
    assert torch.allclose(alone, together)
    model.unfreeze()
    assert norm.training and all(p.requires_grad for p in norm.parameters())
    assert model.frozen_names() == []


def test_every_discriminator_of_a_game(trainer):
    words = [
        "network.generator.width=4",
        "network.generator.blocks=1",
        "network.discriminator.width=4",
    ]
    model = ganzoo.create_model(
        "cycle_gan",
        dataset="digits_negatives",
        overrides=[*words, "freeze_discriminator_layers=1"],
    )
    places = {place.partition(".")[0] for place in model.frozen_names()}
    judges = {name for name, _ in model.named_children() if name.startswith("discriminator")}
    assert places and places <= judges | {"discriminators"}
    for player in model.players:
        if player.role == "discriminator":
            whole = sum(p.numel() for module in player.modules for p in module.parameters())
            assert 0 < sum(p.numel() for p in player.parameters) < whole


def test_layers_of_a_sequence():
    norm, last = nn.BatchNorm1d(3), nn.Linear(4, 1)
    network = nn.Sequential(nn.Flatten(), nn.Linear(2, 3), norm, nn.ReLU(), nn.Linear(3, 4), last)
    layers = input_layers(network)
    assert layers == [list(network[:4]), [network[4]]]


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(2, 3), nn.Linear(3, 1)

    def forward(self, data):
        return self.last(self.first(data).relu()).squeeze(1)


class OwnLayers(Own):
    def input_layers(self):
        return [[self.first]]


def test_networks_of_ones_own(gan):
    with pytest.raises(InputError, match="what the layers of a Own are: give it a method"):
        gan(discriminator=Own(), freeze_discriminator_layers=1)
    model = gan(discriminator=OwnLayers(), freeze_discriminator_layers=1)
    assert [p.shape for p in model.players[0].parameters] == [(1, 3), (1,)]


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (3, "the discriminator has 2 layers that can be frozen: set freeze_discriminator_layers"),
        (-1, "freeze_discriminator_layers must be a whole number from 0 up, not -1"),
        (1.5, "freeze_discriminator_layers must be a"),
    ],
)
def test_wrong_numbers(count, said):
    with pytest.raises(InputError, match=said):
        created("spectral", count=count)


def test_a_model_without_discriminator():
    with pytest.raises(InputError, match="this model has no discriminator"):
        ganzoo.create_model("vae", dataset="digits", overrides=["freeze_discriminator_layers=1"])
