import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import energy_distance
from sklearn.gaussian_process.kernels import RationalQuadratic as SklearnRationalQuadratic
from sklearn.metrics.pairwise import rbf_kernel

from ganzoo.composition.compose import build, compose_config
from ganzoo.errors import InputError
from ganzoo.losses import MaximumMeanDiscrepancy
from ganzoo.losses.kernels import GaussianKernel, NegativeDistance, RationalQuadratic

BANDWIDTHS, ALPHAS = [1.0, 2.0, 4.0], [0.2, 0.5, 5.0]
GAUSSIANS = GaussianKernel(bandwidths=BANDWIDTHS)
QUADRATICS = RationalQuadratic(alphas=ALPHAS)
REAL, FAKE = np.array([-1.0, 0.5, 2.0, 7.0]), np.array([0.2, 3.0, -9.0])
batches = st.lists(st.floats(-20, 20), min_size=2, max_size=6).map(np.array)


def attractive(kernel):
    return MaximumMeanDiscrepancy(kernel=kernel, repulsion=-1.0)


def discriminator(loss, real, fake):
    return loss.discriminator(torch.tensor(real), torch.tensor(fake))


def discrepancy(kernel, real, fake):
    """What the generator pays."""
    fake, real = torch.tensor(fake), torch.tensor(real)
    return attractive(kernel).generator_against(fake, lambda: real)["adversarial"].item()


def gaussians_by_sklearn(left, right):
    return sum(rbf_kernel(left[:, None], right[:, None], gamma=1 / (2 * s**2)) for s in BANDWIDTHS)


def quadratics_by_sklearn(left, right):
    return sum(SklearnRationalQuadratic(alpha=a)(left[:, None], right[:, None]) for a in ALPHAS)


def without_diagonal(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)].mean()


@pytest.mark.parametrize(
    ("kernel", "matrix"),
    [(GAUSSIANS, gaussians_by_sklearn), (QUADRATICS, quadratics_by_sklearn)],
    ids=["gaussians", "quadratics"],
)
@pytest.mark.parametrize("repulsion", [-1.0, 0.0, 0.4, 1.0])
def test_terms_are_means_of_kernels_by_scikit_learn(kernel, matrix, repulsion):
    real, fake = (without_diagonal(matrix(batch, batch)) for batch in (REAL, FAKE))
    cross = matrix(REAL, FAKE).mean()
    terms = discriminator(MaximumMeanDiscrepancy(kernel=kernel, repulsion=repulsion), REAL, FAKE)
    expected = {"real": repulsion * real, "fake": -fake, "cross": (1 - repulsion) * cross}
    assert {name: term.item() for name, term in terms.items()} == pytest.approx(expected)
    assert discrepancy(kernel, REAL, FAKE) == pytest.approx(real + fake - 2 * cross)


@settings(max_examples=40, deadline=None)
@given(real=batches, fake=batches)
def test_negative_distance_gives_the_energy_distance_of_scipy(real, fake):
    """scipy's has pairs of a sample with itself among its means, and is a square root."""
    terms = discriminator(attractive(NegativeDistance()), real, fake)
    share = {"real": 1 - 1 / len(real), "fake": 1 - 1 / len(fake), "cross": 1.0}
    squared = -sum(share[name] * term.item() for name, term in terms.items())
    assert squared == pytest.approx(energy_distance(real, fake) ** 2, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(real=batches, fake=batches, shift=st.floats(-5, 5))
def test_attractive_players_are_opposed_and_see_only_differences(real, fake, shift):
    for kernel in (GAUSSIANS, QUADRATICS, NegativeDistance()):
        value = discrepancy(kernel, real, fake)
        terms = discriminator(attractive(kernel), real, fake)
        assert -sum(terms.values()).item() == pytest.approx(value, abs=1e-9)
        assert discrepancy(kernel, shift - real, shift - fake) == pytest.approx(value, abs=1e-9)
        assert discrepancy(kernel, fake, real) == pytest.approx(value, abs=1e-9)


def test_estimate_is_without_bias():
    """For N(0, 1) and N(1, 0.5^2) and one Gaussian kernel, against the closed form.

    E exp(-(x - y)^2 / 2) is s exp(-m^2 s^2 / 2), m the difference of means and 1/s^2 one more
    than the sum of the variances.
    """

    def mean_kernel(shift, variances):
        return np.exp(-(shift**2) / (2 * (1 + variances))) / np.sqrt(1 + variances)

    exact = mean_kernel(0, 2) + mean_kernel(0, 0.5) - 2 * mean_kernel(1, 1.25)
    rng, kernel = np.random.default_rng(0), GaussianKernel(bandwidths=[1.0])
    estimates = [
        discrepancy(kernel, rng.normal(0, 1, 4), rng.normal(1, 0.5, 4)) for _ in range(2000)
    ]
    error = np.std(estimates) / np.sqrt(len(estimates))
    assert np.mean(estimates) == pytest.approx(exact, abs=4 * error)
    assert 4 * error < 0.2 * exact


def test_generator_learns_place_and_scale_from_the_discrepancy_alone():
    """With the data themselves for logits: a kernel of this kind tells all distributions apart."""
    real = torch.tensor(np.random.default_rng(0).normal(2.0, 0.5, 200))
    noise = torch.tensor(np.random.default_rng(1).normal(0, 1, 200))
    theta = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theta], lr=0.05)
    for _ in range(200):
        fake = theta[0] + theta[1].exp() * noise
        loss = attractive(GAUSSIANS).generator_against(fake, lambda: real)["adversarial"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert fake.mean().item() == pytest.approx(real.mean().item(), abs=0.05)
    assert fake.std().item() == pytest.approx(real.std().item(), abs=0.05)


def test_repulsive_discriminator_spreads_real_data_out_and_the_attractive_one_does_not():
    """Wang et al. (2019): and either draws generated data together."""
    moved = {}
    for repulsion in (-1.0, 1.0):
        loss = MaximumMeanDiscrepancy(kernel=GAUSSIANS, repulsion=repulsion)
        real = torch.tensor([-0.5, 0.1, 0.6], requires_grad=True)
        fake = torch.tensor([2.0, 2.3, 2.8], requires_grad=True)
        optimizer = torch.optim.SGD([real, fake], lr=0.1)
        before = real.std().item(), fake.std().item()
        sum(loss.discriminator(real, fake).values()).backward()
        optimizer.step()
        moved[repulsion] = (real.std().item() - before[0], fake.std().item() - before[1])
    assert moved[1.0][0] > 0 > moved[-1.0][0]
    assert moved[1.0][1] < 0


def test_the_repulsive_loss_is_its_authors():
    """Wang et al. (2019), equation 4, with their one Gaussian of bandwidth 1."""
    real, fake = np.array([-0.5, 0.1, 3.0]), np.array([2.0, 2.3])

    def kernel(left, right):
        return np.exp(-((left[:, None] - right[None, :]) ** 2) / 2)

    def within(values):
        return (kernel(values, values).sum() - len(values)) / (len(values) * (len(values) - 1))

    loss = build(compose_config(["loss=maximum_mean_discrepancy_repulsive"]).loss)
    terms = loss.discriminator(torch.tensor(real), torch.tensor(fake))
    assert sum(terms.values()).item() == pytest.approx(within(real) - within(fake))
    value = loss.generator_against(torch.tensor(fake), lambda: torch.tensor(real))["adversarial"]
    expected = within(real) + within(fake) - 2 * kernel(real, fake).mean()
    assert value.item() == pytest.approx(expected)


@pytest.mark.parametrize("sizes", [(1, 3), (3, 1)])
def test_a_batch_without_pairs_is_refused(sizes):
    with pytest.raises(InputError, match="at least 2 samples, not 1"):
        attractive(GAUSSIANS).discriminator(*map(torch.zeros, sizes))


@pytest.mark.parametrize("repulsion", [-1.5, 2.0, float("nan")])
def test_repulsion_out_of_range_is_refused(repulsion):
    with pytest.raises(InputError, match="repulsion must be between -1 and 1"):
        MaximumMeanDiscrepancy(kernel=GAUSSIANS, repulsion=repulsion)


@pytest.mark.parametrize(
    "make",
    [lambda v: GaussianKernel(bandwidths=v), lambda v: RationalQuadratic(alphas=v)],
    ids=["gaussians", "quadratics"],
)
@pytest.mark.parametrize("values", [[], [1.0, 0.0], [float("nan")]])
def test_kernels_without_width_are_refused(make, values):
    with pytest.raises(InputError, match="must be a positive number|at least one"):
        make(values)
