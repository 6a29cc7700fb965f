import numpy as np
import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.losses import Fisher


def test_closed_form():
    loss, real, fake = Fisher(rho=0.5), torch.tensor([1.0, 3.0]), torch.tensor([-2.0])
    loss.multiplier.fill_(0.25)
    terms = loss.discriminator(real, fake)
    excess = (5.0 + 4.0) / 2 - 1
    assert (terms["real"].item(), terms["fake"].item()) == (-2.0, -2.0)
    assert terms["constraint"].item() == pytest.approx(0.25 * excess + 0.25 * excess**2)
    loss.adapt(real, fake)
    assert loss.multiplier.item() == pytest.approx(0.25 + 0.5 * excess)
    assert loss.generator(torch.tensor([1.0, 4.0]))["adversarial"].item() == -2.5


@pytest.mark.parametrize(
    ("p", "q"), [([5, 3, 2], [1, 3, 6]), ([1, 8, 1], [2, 1, 7]), ([4, 3, 3], [3, 3, 4])]
)
def test_critic_of_three_outcomes_finds_the_chi_squared_distance(p, q):
    """The paper's distance at full capacity, and the multiplier is half of it.

    A stationary Lagrangian has (p - q) = l (p + q) f, so l is half of E f(x) - E f(y) at w = 1.
    """
    shares = np.array(p) / 10, np.array(q) / 10
    exact = np.sqrt((2 * (shares[0] - shares[1]) ** 2 / (shares[0] + shares[1])).sum())
    loss, table = Fisher(rho=0.5), torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([table], lr=0.2)
    real, fake = (torch.arange(3).repeat_interleave(torch.tensor(c)) for c in (p, q))
    for _ in range(1000):
        terms = loss.discriminator(table[real], table[fake])
        optimizer.zero_grad()
        sum(terms.values()).backward()
        optimizer.step()
        loss.adapt(table[real], table[fake])
    assert -(terms["real"] + terms["fake"]).item() == pytest.approx(exact, abs=0.01)
    assert loss.multiplier.item() == pytest.approx(exact / 2, abs=0.01)


def test_terms_and_values_that_are_not_finite_leave_the_multiplier():
    loss = Fisher(rho=0.5)
    loss.adapt(torch.tensor([float("nan")]), torch.tensor([1.0]))
    loss.adapt(torch.tensor([1e30]), torch.tensor([1.0]))
    loss.discriminator(torch.tensor([3.0]), torch.tensor([1.0]))
    assert loss.multiplier == 0
    loss.adapt(torch.tensor([3.0]), torch.tensor([1.0], requires_grad=True))
    assert loss.multiplier == 2.0
    assert not loss.multiplier.requires_grad


def test_a_resumed_run_goes_on_with_the_multiplier(gan, trainer, batches, tmp_path):
    torch.manual_seed(0)
    model = gan(loss=Fisher(rho=0.5))
    run = trainer(3)
    run.fit(model, batches(8, 2))
    reached = model.loss.multiplier.clone()
    assert reached != 0
    run.save_checkpoint(tmp_path / "run.ckpt")
    resumed = gan(loss=Fisher(rho=0.5))
    seen = []
    discriminator = resumed.loss.discriminator
    resumed.loss.discriminator = lambda real, fake: (
        seen.append(resumed.loss.multiplier.clone()),
        discriminator(real, fake),
    )[1]
    trainer(4).fit(resumed, batches(8, 2), ckpt_path=tmp_path / "run.ckpt")
    assert torch.equal(seen[0], reached)


@pytest.mark.parametrize("rho", [0.0, -1.0, float("nan")])
def test_rates_that_are_not_positive_are_refused(rho):
    with pytest.raises(InputError, match="rho must be a positive number"):
        Fisher(rho=rho)
