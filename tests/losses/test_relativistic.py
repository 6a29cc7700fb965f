import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_expit
from torch import nn

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.losses import Hinge, LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein
from ganzoo.losses.cramer import Cramer
from ganzoo.losses.relativistic import AverageComparison, PairedComparison

LOGISTIC = Minimax(label_smoothing=0.0)
SQUARES = LeastSquares(fake_target=-1.0, real_target=1.0, generator_target=1.0)
REAL = np.array([-1.0, 0.5, 2.0, 0.3])
FAKE = np.array([0.2, 3.0, -2.0, 0.1])
COSTS = {
    "logistic": (LOGISTIC, lambda d: -log_expit(d)),
    "hinge": (Hinge(), lambda d: np.maximum(0, 1 - d)),
    "least_squares": (SQUARES, lambda d: (d - 1) ** 2 / 2),
}
each = pytest.mark.parametrize(("loss", "cost"), COSTS.values(), ids=COSTS)
batches = st.lists(st.floats(-20, 20), min_size=4, max_size=4).map(np.array)


def scores(loss, comparison, real, fake):
    """The discriminator's loss and the generator's."""
    relativistic = Relativistic(loss=loss, comparison=comparison)
    real, fake = torch.tensor(real), torch.tensor(fake)
    discriminator = sum(relativistic.discriminator(real, fake).values()).item()
    generator = relativistic.generator_against(fake, lambda: real)["adversarial"].item()
    return discriminator, generator


@each
def test_pairs_pay_the_papers_single_term(loss, cost):
    """RSGAN and its kin: E f(D(x_r) - D(x_f)), and for the generator the other way round."""
    expected = (cost(REAL - FAKE).mean(), cost(FAKE - REAL).mean())
    assert scores(loss, PairedComparison(), REAL, FAKE) == pytest.approx(expected, abs=1e-12)


@each
def test_averages_pay_for_each_side_against_the_mean_of_the_other(loss, cost):
    above, below = REAL - FAKE[:3].mean(), FAKE[:3] - REAL.mean()
    expected = (cost(above).mean() + cost(-below).mean(), cost(-above).mean() + cost(below).mean())
    assert scores(loss, AverageComparison(), REAL, FAKE[:3]) == pytest.approx(expected, abs=1e-12)


@each
@settings(max_examples=25, deadline=None)
@given(real=batches, fake=batches, shift=st.floats(-10, 10))
@pytest.mark.parametrize(
    "comparison", [PairedComparison(), AverageComparison()], ids=["paired", "average"]
)
def test_only_differences_count_and_the_players_exchange_the_batches(
    loss, cost, comparison, real, fake, shift
):
    mine = scores(loss, comparison, real, fake)
    assert scores(loss, comparison, real + shift, fake + shift) == pytest.approx(mine, abs=1e-9)
    assert scores(loss, comparison, fake, real) == pytest.approx(mine[::-1], abs=1e-12)


def test_wasserstein_costs_of_pairs_are_the_game_of_wgan():
    """The paper: games of integral probability metrics are relativistic ones."""
    plain = Wasserstein().discriminator(torch.tensor(REAL), torch.tensor(FAKE))
    discriminator, generator = scores(Wasserstein(), PairedComparison(), REAL, FAKE)
    assert discriminator == pytest.approx(sum(plain.values()).item(), abs=1e-12)
    assert generator == pytest.approx(REAL.mean() - FAKE.mean(), abs=1e-12)


@pytest.mark.parametrize(
    "comparison", [PairedComparison(), AverageComparison()], ids=["paired", "average"]
)
def test_generator_lowers_real_logits_where_a_plain_one_does_not_touch_them(comparison):
    real, fake = (torch.tensor(values, requires_grad=True) for values in (REAL, FAKE))
    relativistic = Relativistic(loss=LOGISTIC, comparison=comparison)
    relativistic.generator_against(fake, lambda: real)["adversarial"].backward()
    assert (real.grad > 0).all()
    assert (fake.grad < 0).all()
    plain = NonSaturating(label_smoothing=0.0).generator_against(fake, lambda: real)
    (untouched,) = torch.autograd.grad(plain["adversarial"], real, allow_unused=True)
    assert untouched is None


@pytest.mark.parametrize(
    ("stem", "cost"),
    [("relativistic", "logistic"), *((f"relativistic_{c}", c) for c in ("hinge", "least_squares"))],
)
def test_configs_choose_the_costs_and_the_command_line_others(stem, cost):
    paired = build(compose_config([], f"loss/{stem}").loss)
    average = build(compose_config([], f"loss/{stem.replace('tic', 'tic_average', 1)}").loss)
    loss, _ = COSTS[cost]
    assert scores(paired.loss, paired.comparison, REAL, FAKE) == scores(
        loss, PairedComparison(), REAL, FAKE
    )
    assert average.comparison == AverageComparison()
    assert average.discriminator(torch.tensor(REAL), torch.tensor(FAKE)) == Relativistic(
        loss=loss, comparison=AverageComparison()
    ).discriminator(torch.tensor(REAL), torch.tensor(FAKE))
    chosen = build(compose_config(["loss@loss.loss=wasserstein"], f"loss/{stem}").loss)
    assert isinstance(chosen.loss, Wasserstein)


def test_pairs_of_unequal_batches_are_refused():
    relativistic = Relativistic(loss=LOGISTIC, comparison=PairedComparison())
    with pytest.raises(InputError, match="as many real as generated logits, not 4 and 3"):
        relativistic.discriminator(torch.tensor(REAL), torch.tensor(FAKE[:3]))


def test_a_loss_without_costs_of_single_logits_is_refused():
    with pytest.raises(InputError, match="Cramer has none"):
        Relativistic(loss=Cramer(), comparison=PairedComparison())


class Line(nn.Module):
    def __init__(self, weight: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(weight))
        self.calls = 0

    def forward(self, data):
        self.calls += 1
        return self.weight * data.sum(1)


class Shift(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.place = nn.Parameter(torch.zeros(2))

    def forward(self, latents):
        return latents[:, :2] + self.place


def one_iteration(gan, trainer, batches, loss):
    """Of gradient descent, from known weights on known data, with the critic at a rate of 0."""
    rates = {"generator": 1.0, "discriminator": 0.0}
    model = gan(
        generator=Shift(),
        discriminator=Line(0.7),
        loss=loss,
        discriminator_steps=2,
        optimizers={
            name: lambda parameters, rate=rate: torch.optim.SGD(parameters, lr=rate)
            for name, rate in rates.items()
        },
    )
    model.discriminator.calls = 0
    torch.manual_seed(1)
    trainer(1).fit(model, batches(12, 2))
    return model


def test_game_compares_with_the_real_data_of_the_last_discriminator_update(gan, trainer, batches):
    """One update of the generator, written out by hand."""
    relativistic = Relativistic(loss=LOGISTIC, comparison=PairedComparison())
    model = one_iteration(gan, trainer, batches, relativistic)
    (data,) = next(iter(batches(12, 2)))
    torch.manual_seed(1)
    for _ in range(3):  # two updates of the discriminator draw before the generator's
        latents = torch.randn(6, 4)
    difference = 0.7 * (latents[:, :2].sum(1) - data[6:].sum(1))
    step = 0.7 * torch.sigmoid(-difference).mean()
    torch.testing.assert_close(model.generator.place.data, step.repeat(2), rtol=1e-5, atol=1e-6)


def test_other_losses_save_the_pass_of_real_data_in_the_generators_step(gan, trainer, batches):
    relativistic = Relativistic(loss=LOGISTIC, comparison=PairedComparison())
    calls = [
        one_iteration(gan, trainer, batches, loss).discriminator.calls
        for loss in (LOGISTIC, relativistic)
    ]
    assert calls[1] == calls[0] + 1
