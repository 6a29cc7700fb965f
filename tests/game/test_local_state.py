"""What only this process knows survives a stop: random numbers, terms, buffers, skipped steps."""

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from ganzoo.checkpoints.io import AtomicCheckpointIO
from ganzoo.game import local_state
from ganzoo.losses.minimax import NonSaturating
from ganzoo.models.gan import GAN
from ganzoo.penalties.base import Penalty


class RunningPenalty(Penalty):
    """Pulls the logits towards a running mean of their past."""

    def __init__(self, **numbers):
        super().__init__(**numbers)
        self.register_buffer("mean", torch.zeros(()))

    def value(self, context):
        return (context.real_logits - self.mean).square().mean()

    def after_step(self, player):
        if player.name == self.on:
            self.mean.lerp_(torch.cat(player.logits["real"]).mean(), 0.1)


class RunningLoss(NonSaturating):
    """Weighs its generator's term by how many steps there have been."""

    def __init__(self):
        super().__init__(label_smoothing=0.0)
        self.register_buffer("seen", torch.ones(()))

    def generator(self, fake):
        return {"adversarial": super().generator(fake)["adversarial"] / self.seen}

    def after_step(self, player):
        self.seen += 1


class Noisy(nn.Module):
    """Draws from every source of random numbers there is."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(4, 16), nn.Dropout(0.5), nn.Linear(16, 2))

    def forward(self, latents):
        return self.layers(latents) + random.random() * np.random.rand()


def seeded(number):
    random.seed(number)
    np.random.seed(number)
    torch.manual_seed(number)


def stateful(gan):
    seeded(0)
    return gan(
        generator=Noisy(),
        loss=RunningLoss(),
        penalties={"p": RunningPenalty(weight=1.0, interval=3, on="discriminator")},
    )


def same(one, other):
    assert one.keys() == other.keys()
    for name, value in one.items():
        assert torch.equal(value, other[name]), name


def test_losses_and_penalties_with_running_statistics_go_on(gan, trainer, batches, tmp_path):
    settings = {"plugins": [AtomicCheckpointIO()]}
    whole = stateful(gan)
    trainer(9, **settings).fit(whole, batches(8, 2))
    assert {"penalties.p.mean", "loss.seen"} <= whole.state_dict().keys()
    stopped, run = stateful(gan), trainer(4, **settings)
    run.fit(stopped, batches(8, 2))
    run.save_checkpoint(tmp_path / "at4.ckpt")

    class Later(batches):
        """The same batches from the fifth on."""

        def __iter__(self):
            stream = super().__iter__()
            for _ in range(4):
                next(stream)
            return stream

    resumed, run = stateful(gan), trainer(9, **settings)
    seeded(5)
    run.fit(resumed, Later(8, 2), ckpt_path=tmp_path / "at4.ckpt")
    same(resumed.state_dict(), whole.state_dict())
    same(resumed.latest_terms, whole.latest_terms)


def test_a_shuffling_dataloader_of_the_users_own_goes_on_at_an_epochs_end(gan, trainer, tmp_path):
    """Such a loader draws its order from torch's random numbers when an epoch begins."""
    data = TensorDataset(torch.randn(24, 2, generator=torch.Generator().manual_seed(1)))

    def loader():
        return DataLoader(data, batch_size=8, shuffle=True)

    settings = {"plugins": [AtomicCheckpointIO()], "max_steps": -1}
    seeded(0)
    whole = gan()
    trainer(0, **settings | {"max_epochs": 3}).fit(whole, loader())
    seeded(0)
    stopped, run = gan(), trainer(0, **settings | {"max_epochs": 2})
    run.fit(stopped, loader())
    run.save_checkpoint(tmp_path / "end.ckpt")
    seeded(99)
    resumed = gan()
    run = trainer(0, **settings | {"max_epochs": 3})
    run.fit(resumed, loader(), ckpt_path=tmp_path / "end.ckpt")
    same(resumed.state_dict(), whole.state_dict())


def test_random_states_are_plain_values_and_bring_the_numbers_back(tmp_path):
    states = local_state.random_states(torch.device("cpu"))
    expected = random.random(), np.random.rand(), torch.rand(2), np.random.randn()
    torch.save(states, tmp_path / "states.pt")
    states = torch.load(tmp_path / "states.pt", weights_only=True)
    local_state.restore_random_states(states, torch.device("cpu"))
    assert (random.random(), np.random.rand()) == expected[:2]
    assert torch.equal(torch.rand(2), expected[2])
    assert np.random.randn() == expected[3]


def test_another_number_of_processes_starts_random_numbers_anew(gan):
    model = gan()
    checkpoint = {"ganzoo": {"processes": local_state.capture(model, {}, 0) * 2}}
    assert local_state.of_this_process(checkpoint, 0) is None
    torch.manual_seed(3)
    first = torch.rand(4)
    for rank, step in ((0, 10), (1, 10), (0, 20)):
        torch.manual_seed(3)
        local_state.seed(rank, step)
        assert not torch.equal(torch.rand(4), first), (rank, step)


@pytest.mark.parametrize("parts", [2, 3])
def test_accumulated_gradients_are_those_of_the_whole_batch(gan, trainer, batches, parts):
    class FixedLatents(GAN):
        """Latents that do not depend on the number of draws."""

        calls = 0

        def latents(self, count):
            start = self.calls * count % 24
            self.calls += 1
            whole = torch.randn(24, 4, generator=torch.Generator().manual_seed(0))
            return whole[start : start + count]

    ends = []
    for steps in (1, parts):
        torch.manual_seed(0)
        model = gan(FixedLatents, micro_batches=steps)
        trainer(6).fit(model, batches(24, 2))
        ends.append((model.state_dict(), model.latest_terms))
    for name, value in ends[0][0].items():
        torch.testing.assert_close(ends[1][0][name], value, rtol=1e-5, atol=1e-6)
    for name, value in ends[0][1].items():
        torch.testing.assert_close(ends[1][1][name], value, rtol=1e-5, atol=1e-6)
