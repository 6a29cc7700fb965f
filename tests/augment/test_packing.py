import pytest
import torch
from torch import nn
from torch.nn import functional

import ganzoo
from ganzoo.augment import Augmentation, InstanceNoise
from ganzoo.errors import InputError
from ganzoo.models.presentation import Presentation
from ganzoo.augment.replay import ReplayBuffer
from ganzoo.penalties import R1


class Add(Augmentation):
    def __init__(self, number):
        self.number = number

    def __call__(self, data):
        return data + self.number


class Double(Augmentation):
    def __call__(self, data):
        return data * 2


class Linear(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.layer = nn.Linear(features, 1)

    def forward(self, data):
        return self.layer(data).squeeze(1)


def shown(augmentations=None, replay=None, packing=1):
    return Presentation(augmentations=augmentations or {}, replay=replay, packing=packing)


def test_augmentations_come_in_their_order():
    both = shown({"first": Add(1), "second": Double()})
    assert both(torch.ones(3, 2)).unique().tolist() == [4.0]


def test_packs_of_points_and_of_images():
    points = torch.arange(12.0).view(6, 2)
    packed = shown(packing=3)(points)
    assert packed.tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    images = torch.randn(6, 3, 4, 4)
    packed = shown(packing=2)(images)
    assert packed.shape == (3, 6, 4, 4)
    assert torch.equal(packed[1, 3:], images[3])


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(InputError, match="packing=4 needs batches of a multiple of 4 samples"):
        shown(packing=4)(torch.zeros(6, 2))


def test_noise_follows_the_generators_updates(gan, trainer, batches):
    noise = InstanceNoise(deviation=1.0, updates=4)
    model = gan(presentation=shown({"noise": noise}), discriminator_steps=2)
    trainer(3).fit(model, batches(8, 2))
    assert noise.present == 0.5, "at the third update, whose number is 2"


def test_losses_penalties_and_both_players_see_what_is_shown(gan, trainer, batches):
    seen = []

    class Watching(Linear):
        def forward(self, data):
            seen.append(data.detach().clone())
            return super().forward(data)

    model = gan(
        discriminator=Watching(6),
        presentation=shown({"far": Add(100.0)}, packing=3),
        penalties={"r1": R1(weight=1.0, interval=1)},
    )
    trainer(1).fit(model, batches(6, 2))
    assert {tuple(data.shape) for data in seen} == {(2, 6)}
    assert all((data > 50).all() for data in seen)
    assert len(seen) == 1 + 3 + 1, "one look, real and generated and r1, the generator's turn"


def test_a_gradient_penalty_is_that_of_the_pack(gan, trainer, batches):
    """R1 of a linear discriminator is its squared weight: that of all m samples."""

    linear = Linear(4)
    model = gan(
        discriminator=linear,
        presentation=shown(packing=2),
        penalties={"r1": R1(weight=2.0, interval=1)},
    )
    expected = linear.layer.weight.square().sum().item()
    trainer(1).fit(model, batches(8, 2))
    assert model.latest_terms["discriminator/r1"].item() == pytest.approx(expected, rel=1e-5)


def test_the_pool_is_used_in_the_discriminators_turns_only(gan, trainer, batches):
    replay = ReplayBuffer(size=4, share=0.5, shape=[2])
    trainer(3).fit(gan(presentation=shown(replay=replay)), batches(8, 2))
    assert replay.count == 4
    before = replay.pool.clone()
    model = gan(presentation=shown(replay=replay))
    trainer(1).fit(model, batches(8, 2))
    assert (replay.pool != before).any(1).sum() == 4, "4 places, and not 8, for half of 8 samples"


def test_pacgan_judges_two_samples_at_once_and_others_one():
    packings = {
        name: ganzoo.create_model(name, dataset="ring").presentation.packing
        for name in ("gan", "pacgan", "wgan_gp")
    }
    assert packings == {"gan": 1, "pacgan": 2, "wgan_gp": 1}
    model = ganzoo.create_model("wgan_gp", dataset="ring", overrides=["packing=3"])
    assert model.presentation.packing == 3


@pytest.mark.parametrize("setting", [["packing=2"], ["replay=buffer"]])
def test_models_with_classes_refuse_what_parts_samples_from_labels(setting):
    with pytest.raises(InputError, match=setting[0].split("=")[0]):
        ganzoo.create_model("conditional_gan", dataset="digits", overrides=setting)


def separation(packing, generate):
    """How much better than chance a small discriminator of packs tells fakes from real data."""
    torch.manual_seed(0)
    pack = shown(packing=packing)
    network = nn.Sequential(
        nn.Linear(packing, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1)
    )
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    for _ in range(500):
        real, fake = pack(torch.rand(1024, 1)), pack(generate(1024))
        loss = (
            functional.softplus(-network(real)).mean() + functional.softplus(network(fake)).mean()
        )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        right = (network(pack(torch.rand(8192, 1))) > 0).float().mean()
        wrong = (network(pack(generate(8192))) > 0).float().mean()
    return (right - wrong).item()


def test_packing_punishes_missing_modes_more_than_other_faults():
    """PacGAN, section 3: two generators at one total variation distance of 0.2 from [0, 1].

    One leaves out a fifth of the interval, the other covers it with densities of 1.4 and 0.6.
    Packs of 4 tell the first apart sooner.
    """

    def collapsed(count):
        return 0.8 * torch.rand(count, 1)

    def uneven(count):
        heavy = torch.rand(count, 1) < 0.7  # densities 1.4 and 0.6 on the halves
        return torch.rand(count, 1) / 2 + torch.where(heavy, 0.0, 0.5)

    alone = separation(1, collapsed), separation(1, uneven)
    assert alone == pytest.approx((0.2, 0.2), abs=0.05)
    packed = separation(4, collapsed), separation(4, uneven)
    assert packed[0] > packed[1] + 0.08
