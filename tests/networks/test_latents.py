import math
import pickle

import pytest
import torch
from scipy import stats

from ganzoo.errors import InputError
from ganzoo.networks.latents import Normal, TruncatedNormal, Uniform

NORMAL, UNIFORM = Normal(latent_dim=50), Uniform(latent_dim=50)
TRUNCATED = TruncatedNormal(latent_dim=50, threshold=2.0)


def restricted(bound):
    return stats.truncnorm(-bound, bound)


def draw(prior, **options):
    return prior.sample(2000, generator=torch.Generator().manual_seed(0), **options)


@pytest.mark.parametrize(
    ("prior", "truncation", "reference"),
    [
        (NORMAL, None, stats.norm()),
        (NORMAL, 0.5, restricted(0.5)),
        (NORMAL, 2.0, restricted(2.0)),
        (NORMAL, 6.0, restricted(6.0)),
        (UNIFORM, None, stats.uniform(-1, 2)),
        (UNIFORM, 0.3, stats.uniform(-0.3, 0.6)),
        (TRUNCATED, None, restricted(2.0)),
        (TRUNCATED, 0.7, restricted(0.7)),
        (TRUNCATED, 5.0, restricted(2.0)),
        (TruncatedNormal(latent_dim=50, threshold=0.1), None, restricted(0.1)),
    ],
)
def test_latents_follow_the_stated_distribution(prior, truncation, reference):
    latents = draw(prior, truncation=truncation)
    values = latents.double().flatten().numpy()
    assert stats.kstest(values, reference.cdf).pvalue > 1e-3
    deviation = reference.std()
    assert values.mean() == pytest.approx(0, abs=5 * deviation / math.sqrt(values.size))
    assert values.var() == pytest.approx(reference.var(), rel=0.03)
    low, high = reference.support()
    assert low <= values.min()
    assert values.max() <= high + 1e-6


@pytest.mark.parametrize("prior", [NORMAL, UNIFORM, TRUNCATED])
def test_coordinates_are_uncorrelated(prior):
    correlation = torch.corrcoef(draw(prior).T) - torch.eye(50)
    assert correlation.abs().max() < 5 / math.sqrt(2000)


@pytest.mark.parametrize("prior", [NORMAL, UNIFORM, TRUNCATED])
@pytest.mark.parametrize("truncation", [None, 0.5])
def test_shape_type_and_device(prior, truncation):
    latents = prior.sample(7, truncation=truncation, device="cpu")
    assert latents.shape == (7, prior.latent_dim)
    assert latents.dtype == torch.float32
    assert latents.device.type == "cpu"


def test_latents_are_float32_whatever_torch_s_default():
    torch.set_default_dtype(torch.float64)
    try:
        assert {prior.sample(1).dtype for prior in (NORMAL, UNIFORM, TRUNCATED)} == {torch.float32}
    finally:
        torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("prior", [NORMAL, UNIFORM, TRUNCATED])
def test_the_generator_alone_decides(prior):
    torch.manual_seed(1)
    first = draw(prior)
    state = torch.get_rng_state()
    assert torch.equal(draw(prior), first)
    assert torch.equal(torch.get_rng_state(), state)
    other = prior.sample(2000, generator=torch.Generator().manual_seed(1))
    assert not torch.equal(other, first)


@pytest.mark.gpu
def test_a_cpu_generator_gives_the_same_latents_on_another_device(device):
    assert torch.equal(draw(NORMAL, device=device).cpu(), draw(NORMAL))


def test_the_tails_of_the_inverse_stay_finite(monkeypatch):
    lowest = torch.zeros(3, 50)
    monkeypatch.setattr(torch, "rand", lambda *_, **__: lowest)
    assert NORMAL.sample(3, truncation=9.0).eq(-9.0).all()
    torch.testing.assert_close(TRUNCATED.sample(3), torch.full((3, 50), -2.0))


@pytest.mark.parametrize("prior", [NORMAL, UNIFORM, TRUNCATED])
def test_priors_pickle(prior):
    assert torch.equal(draw(pickle.loads(pickle.dumps(prior))), draw(prior))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Normal(latent_dim=0), "latent_dim must be a whole number from 1 up, not 0"),
        (lambda: Uniform(latent_dim=2.5), "latent_dim must be a whole number from 1 up, not 2.5"),
        (lambda: TruncatedNormal(latent_dim=2, threshold=0.0), "threshold must be a positive"),
        (lambda: TruncatedNormal(latent_dim=2, threshold=math.inf), "threshold must be a positive"),
        (lambda: NORMAL.sample(0), "count must be a whole number from 1 up, not 0"),
        (lambda: NORMAL.sample(1, truncation=-1.0), "truncation must be a positive number"),
        (lambda: UNIFORM.sample(1, truncation=1.5), "uniform prior is at most 1, not 1.5"),
    ],
)
def test_wrong_numbers_are_refused(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
