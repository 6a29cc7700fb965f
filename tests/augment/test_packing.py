import pytest
import torch
from torch import nn
from torch.nn import functional

import ganzoo
from ganzoo.augment.packing import Packing
from ganzoo.errors import InputError
from ganzoo.penalties import R1
from ganzoo.penalties.gradient_penalty import GradientPenalty, interpolate


def test_packs_of_points_and_of_images():
    points = torch.arange(12.0).view(6, 2)
    assert Packing(3)(points).tolist() == [[0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]]
    images = torch.randn(6, 3, 4, 4)
    packed = Packing(2)(images)
    assert packed.shape == (3, 6, 4, 4)
    assert torch.equal(packed[1, 3:], images[3])


def test_a_batch_that_does_not_divide_is_refused():
    with pytest.raises(InputError, match="packing=4 needs batches of a multiple of 4 samples"):
        Packing(4)(torch.zeros(6, 2))


def test_a_gradient_penalty_is_that_of_the_pack(gan, trainer, batches):
    """R1 of a linear discriminator is its squared weight: that of all m samples."""
    linear = nn.Linear(4, 1)
    model = gan(discriminator=linear, packing=2, penalties={"r1": R1(weight=2.0, interval=1)})
    expected = linear.weight.square().sum().item()
    trainer(1).fit(model, batches(8, 2))
    assert model.latest_terms["discriminator/r1"].item() == pytest.approx(expected, rel=1e-5)


def test_a_penalty_between_real_and_generated_data_is_on_lines_between_packs():
    """The pack is one point of the discriminator's space, and so has one place on its line."""
    torch.manual_seed(0)
    points = interpolate(torch.ones(6, 2), torch.zeros(6, 2), packing=3)
    assert points.view(2, -1).std(dim=1).tolist() == [0.0, 0.0]
    assert points[0, 0] != points[3, 0]


def test_the_norm_of_a_gradient_penalty_is_that_of_the_pack(gan, trainer, batches):
    linear = nn.Linear(4, 1)
    penalty = GradientPenalty(weight=3.0, interval=1)
    model = gan(discriminator=linear, packing=2, penalties={"gp": penalty})
    expected = 3 * (linear.weight.norm().item() - 1) ** 2
    trainer(1).fit(model, batches(8, 2))
    assert model.latest_terms["discriminator/gp"].item() == pytest.approx(expected, rel=1e-5)


def test_pacgan_judges_two_samples_at_once_and_others_one():
    packings = {
        name: ganzoo.create_model(name, dataset="ring").packing
        for name in ("gan", "pacgan", "wgan_gp")
    }
    assert packings == {"gan": 1, "pacgan": 2, "wgan_gp": 1}
    model = ganzoo.create_model("wgan_gp", dataset="ring", overrides=["packing=3"])
    assert model.packing == 3


def separation(packing, generate):
    """How much better than chance a small discriminator of packs tells fakes from real data."""
    torch.manual_seed(0)
    pack = Packing(packing)
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
