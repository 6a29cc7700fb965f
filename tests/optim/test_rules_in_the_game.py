"""The update rules with a real GAN: what it counts, refuses, remembers and sends."""

import itertools

import pytest
import torch
import torch.distributed as dist
from torch import nn

from ganzoo.errors import InputError
from ganzoo.networks.latents import Normal
from ganzoo.optim import (
    Alternating,
    CompetitiveGradientDescent,
    ConsensusOptimization,
    Extragradient,
    Lookahead,
    PastExtragradient,
    SignAlignment,
    Simultaneous,
    SymplecticGradientAdjustment,
)
from ganzoo.strategies.player_parallel import NOTEBOOK

RULES = {
    "extragradient": Extragradient,
    "past_extragradient": PastExtragradient,
    "consensus": lambda: ConsensusOptimization(weight=0.1),
    "adjusted": lambda: SymplecticGradientAdjustment(
        weight=1.0, alignment=SignAlignment(offset=0.1)
    ),
    "competitive": lambda: CompetitiveGradientDescent(tolerance=1e-5, iterations=50),
}
TWICE = [name for name, make in RULES.items() if make().differentiates_twice]
REMEMBERING = {
    "past": PastExtragradient,
    "lookahead": lambda: Lookahead(Alternating(), steps=4, weight=0.5),
    "both": lambda: Lookahead(PastExtragradient(), steps=4, weight=0.5),
}


def weights(model):
    return torch.cat([p.detach().flatten() for p in model.parameters()])


@pytest.mark.parametrize("name", RULES)
def test_a_gan_moves_both_players_and_counts_generator_updates(name, gan, trainer, batches):
    model, run = gan(updates=RULES[name](), discriminator_steps=2), trainer(3)
    before = {n: p.detach().clone() for n, p in model.named_parameters()}
    run.fit(model, batches(16, 2))
    assert run.global_step == 3
    for n, parameter in model.named_parameters():
        assert parameter.isfinite().all() and not parameter.equal(before[n]), n
    counts = [int(o.state_dict()["state"][0]["step"]) for o in model.optimizers()]
    ahead = {"extragradient": (6, 3), "past_extragradient": (5, 2)}.get(name, (0, 0))
    assert counts == [6 + ahead[0], 3 + ahead[1]], "steps of the optimizers themselves"
    assert {"generator/loss", "discriminator/gradient_norm"} <= model.latest_terms.keys()


@pytest.mark.parametrize("name", TWICE)
def test_gradients_reach_across_the_players(name, gan, trainer, batches):
    """A round of both players ends elsewhere than their own gradients lead."""
    sgd = {p: lambda own: torch.optim.SGD(own, lr=0.1) for p in ("generator", "discriminator")}
    ends = []
    for rule in (RULES[name](), Simultaneous()):
        torch.manual_seed(0)
        model = gan(updates=rule, optimizers=sgd)
        trainer(1).fit(model, batches(16, 2))
        ends.append(weights(model))
    assert (ends[0] - ends[1]).abs().max() > 1e-5
    torch.testing.assert_close(ends[0], ends[1], rtol=0, atol=0.1)


@pytest.mark.parametrize("name", TWICE)
def test_data_in_parts_are_refused_in_one_line(name, gan):
    with pytest.raises(InputError, match="in one piece: set model.micro_batches=1") as error:
        gan(updates=RULES[name](), micro_batches=2)
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="in one piece"):
        gan(updates=Lookahead(RULES[name](), steps=5, weight=0.5), micro_batches=2)


@pytest.mark.parametrize("name", ["extragradient", "past_extragradient"])
def test_rules_that_differentiate_once_take_data_in_parts(name, gan, trainer, batches):
    ends = []
    for parts in (1, 2):
        torch.manual_seed(0)
        model = gan(updates=RULES[name](), micro_batches=parts, latent_prior=Fixed(latent_dim=4))
        trainer(3).fit(model, batches(16, 2))
        ends.append(weights(model))
    torch.testing.assert_close(*ends, rtol=1e-4, atol=1e-5)


class Fixed(Normal):
    """Latents that are the same in every draw, whatever its size."""

    def sample(self, count, **_):
        return torch.ones(count, self.latent_dim)


@pytest.mark.parametrize("name", REMEMBERING)
def test_a_run_stopped_in_the_middle_ends_as_one_that_was_not(
    name, gan, trainer, batches, tmp_path
):
    def fit(steps, checkpoint=None):
        torch.manual_seed(0)
        model, run = gan(updates=REMEMBERING[name]()), trainer(steps)
        run.fit(model, Skipping(batches(16, 2), 5 if checkpoint else 0), ckpt_path=checkpoint)
        return weights(model), model.updates.state_dict(), run

    expected, memory, _ = fit(11)
    fit(5)[2].save_checkpoint(tmp_path / "5.ckpt")
    torch.load(tmp_path / "5.ckpt", weights_only=True)
    found, again, _ = fit(11, tmp_path / "5.ckpt")
    assert found.equal(expected)
    assert flat(again).equal(flat(memory))


def flat(state):
    """All numbers that a rule remembers."""
    if isinstance(state, dict):
        state = list(state.values())
    if isinstance(state, list):
        return torch.cat([torch.zeros(0), *(flat(part) for part in state)])
    return torch.as_tensor(state, dtype=torch.float32).flatten()


class Skipping:
    """The batches after some."""

    def __init__(self, loader, first):
        self.loader, self.first = loader, first

    def __iter__(self):
        return itertools.islice(iter(self.loader), self.first, None)


class Draws(Normal):
    """Latents of which each process has its part of what one process would draw."""

    def sample(self, count, **_):
        world, rank = place()
        self.drawn = getattr(self, "drawn", 0) + 1
        generator = torch.Generator().manual_seed(self.drawn)
        return torch.randn(world * count, self.latent_dim, generator=generator).chunk(world)[rank]


class Parts:
    """Sorted batches of which each process has its part, unlike that of the others."""

    def __init__(self, loader):
        self.loader = loader

    def __iter__(self):
        world, rank = place()
        for (data,) in self.loader:
            yield [data[data[:, 0].argsort()].chunk(world)[rank]]


def place():
    return (dist.get_world_size(), dist.get_rank()) if dist.is_initialized() else (1, 0)


@pytest.mark.parametrize("name", [*TWICE, "past_extragradient"])
def test_two_processes_move_as_one_with_all_the_data(name, gan, trainer, batches):
    def end(**devices):
        torch.manual_seed(0)
        sgd = {p: lambda own: torch.optim.SGD(own, lr=0.5) for p in ("generator", "discriminator")}
        model = gan(updates=RULES[name](), optimizers=sgd, latent_prior=Draws(latent_dim=4))
        start = weights(model)
        run = trainer(5, use_distributed_sampler=False, **devices)
        run.fit(model, Parts(batches(32, 2)))
        assert (weights(model) - start).abs().max() > 0.1
        return weights(model)

    two = end(devices=2, strategy=NOTEBOOK)
    torch.testing.assert_close(two, end(devices=1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", TWICE)
def test_running_statistics_do_not_break_second_derivatives(name, gan, trainer, batches):
    """Batch normalisation writes to what an earlier objective's graph has saved."""

    class Normalized(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.Sequential(nn.Linear(2, 8), nn.BatchNorm1d(8), nn.Tanh())
            self.last = nn.Linear(8, 1)

        def forward(self, data):
            return self.last(self.layers(data)).squeeze(1)

    generator = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 2))
    model = gan(updates=RULES[name](), generator=generator, discriminator=Normalized())
    run = trainer(3)
    run.fit(model, batches(16, 2))
    assert run.global_step == 3 and weights(model).isfinite().all()
    # its own objective alone moves a player's statistics: once for each batch it is shown
    assert int(generator[1].num_batches_tracked) == 3
    assert int(model.discriminator.layers[1].num_batches_tracked) == 6
