import pytest
import torch
from torch import nn
from torch.nn import functional

from ganzoo.augment import Chain, InputDropout, InstanceNoise
from ganzoo.errors import InputError
from ganzoo.progress import Progress


@pytest.mark.parametrize(
    ("end", "now", "left"), [(100, 0, 1.0), (100, 25, 0.75), (100, 100, 0), (100, 500, 0)]
)
@pytest.mark.parametrize("unit", ["iterations", "images"])
def test_instance_noise_goes_along_a_line(end, now, left, unit):
    torch.manual_seed(0)
    noise = InstanceNoise(deviation=0.4, end=end, unit=unit)
    noise.begin_iteration(Progress(**({"iterations": 7, "images": 7} | {unit: now})))
    data = torch.full((100, 1000), 3.0)
    moved = noise(data) - data
    assert moved.std().item() == pytest.approx(0.4 * left, rel=0.01)
    assert moved.mean().item() == pytest.approx(0, abs=0.01)


def test_noise_that_stays_is_the_same_at_any_time():
    noise = InstanceNoise(deviation=0.4, end=None)
    noise.begin_iteration(Progress(iterations=10**9))
    assert noise(torch.zeros(100_000)).std().item() == pytest.approx(0.4, rel=0.02)


def test_noise_in_a_chain_goes_along_with_the_game(gan, trainer, batches):
    """It is one of the model's modules, to which the game says how far the run has come."""
    noise = InstanceNoise(deviation=1.0, end=10)
    trainer(5).fit(gan(augmentations={"chain": Chain(steps=[Chain(steps=[noise])])}), batches(8, 2))
    assert noise.present == pytest.approx(0.6)  # that of iteration 4, the last one


def gradient_of_the_generator(noise):
    """At samples around 3 of a discriminator that has learnt to part them from data around 0."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(600):
        real, fake = 0.05 * torch.randn(64, 1), 3 + 0.05 * torch.randn(64, 1)
        loss = functional.softplus(-network(noise(real))) + functional.softplus(
            network(noise(fake))
        )
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
    fake = (3 + 0.05 * torch.randn(4096, 1)).requires_grad_()
    saturating = -functional.softplus(network(noise(fake))).sum()
    return torch.autograd.grad(saturating, fake)[0].mean().item()


def test_noise_leaves_a_gradient_where_supports_do_not_overlap():
    """Arjovsky and Bottou (2017): without noise the saturating gradient vanishes."""
    silent = gradient_of_the_generator(InstanceNoise(deviation=0.0, end=None))
    heard = gradient_of_the_generator(InstanceNoise(deviation=1.5, end=None))
    assert abs(silent) < 0.01
    assert heard > 0.1, "a step against the gradient leads towards the data"


def test_dropout_leaves_out_a_share_and_keeps_the_mean():
    torch.manual_seed(0)
    dropped = InputDropout(probability=0.2)(torch.ones(1000, 100))
    assert set(dropped.unique().tolist()) == {0.0, 1.25}
    assert (dropped == 0).float().mean().item() == pytest.approx(0.2, abs=0.005)


def test_dropout_keeps_a_discriminator_from_resting_on_one_entry():
    """Two entries say the same; weight decay apart, only dropout makes both count alike."""

    def weights(augmentation):
        torch.manual_seed(0)
        network = nn.Linear(2, 1, bias=False)
        nn.init.zeros_(network.weight)
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05)
        for _ in range(400):
            sign = torch.randint(2, (64, 1)) * 2.0 - 1
            data = sign * torch.tensor([[1.0, 0.2]])
            loss = functional.softplus(-sign * network(augmentation(data))).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return network.weight[0].tolist()

    strong, weak = weights(nn.Identity())
    assert strong / weak == pytest.approx(5, rel=0.01), "the gradient's own proportion"
    strong, weak = weights(InputDropout(probability=0.5))
    assert strong / weak < 3


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: InstanceNoise(deviation=-1.0, end=None), "deviation"),
        (lambda: InstanceNoise(deviation=0.1, end=-1), "trainer.max_steps"),
        (lambda: InputDropout(probability=1.0), "probability"),
        (lambda: InputDropout(probability=-0.1), "probability"),
    ],
)
def test_numbers_out_of_range(wrong, message):
    with pytest.raises(InputError, match=message):
        wrong()
