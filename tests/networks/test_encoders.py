import math
from functools import partial

import numpy as np
import pytest
import torch
from scipy import special, stats
from torch import nn

from ganzoo.composition.compose import build, compose_config, group_choices
from ganzoo.errors import InputError
from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.code_prior import CodePrior, LatentParts
from ganzoo.networks.dcgan import DCGANDiscriminator
from ganzoo.networks.encoders import CodeClassifier, DiagonalGaussian, Encoder, GaussianEncoder
from ganzoo.networks.initialization import HeUniform, XavierUniform
from ganzoo.networks.latents import Normal
from ganzoo.networks.mlp import MLPDiscriminator
from ganzoo.networks.normalization import NoNorm
from ganzoo.networks.resnet import ResNetDiscriminator

ANY = {
    "width": 8,
    "normalization": NoNorm(),
    "initialization": HeUniform(negative_slope=0.2),
    "batch_statistics": NoBatchStatistics(),
}
SLOPE = {"negative_slope": 0.2}
FAMILIES = [
    ([2], partial(MLPDiscriminator, shape=[2], depth=2, **ANY, **SLOPE)),
    ([1, 8, 8], partial(DCGANDiscriminator, shape=[1, 8, 8], **ANY, **SLOPE)),
    (
        [3, 32, 32],
        partial(
            ResNetDiscriminator,
            shape=[3, 32, 32],
            residual_initialization=XavierUniform(gain=1.0),
            **ANY,
        ),
    ),
]
EVERY_FAMILY = pytest.mark.parametrize(("shape", "network"), FAMILIES)
POINTS = FAMILIES[0][1]
PRIOR = CodePrior(latent_dim=12, categories=[3, 2], continuous=2)


class Fixed(nn.Module):
    """A network whose outputs are its data, squeezed as those of real ones are."""

    def __init__(self, outputs):
        super().__init__()
        self.outputs = outputs

    def forward(self, data):
        assert data.shape[1] == self.outputs
        return data.squeeze(1)


@EVERY_FAMILY
@pytest.mark.parametrize("latent_dim", [1, 2, 7])
def test_codes_are_the_network_s_outputs(shape, network, latent_dim):
    encoder, data = Encoder(network=network, latent_dim=latent_dim), torch.randn(3, *shape)
    codes = encoder(data)
    assert codes.shape == (3, latent_dim)
    assert torch.equal(codes, encoder.network(data).view(3, latent_dim))


@EVERY_FAMILY
def test_a_batch_in_another_order_has_codes_in_that_order(shape, network):
    torch.manual_seed(0)
    data, order = torch.randn(4, *shape), torch.tensor([2, 0, 3, 1])
    encoder = Encoder(network=network, latent_dim=3)
    torch.testing.assert_close(encoder(data[order]), encoder(data)[order])
    gaussians = GaussianEncoder(network=network, latent_dim=3)
    for after, before in zip(gaussians(data[order]), gaussians(data), strict=True):
        torch.testing.assert_close(after, before[order])


@EVERY_FAMILY
def test_gradients_reach_all_parameters(shape, network):
    torch.manual_seed(0)
    data = torch.randn(5, *shape)
    latents = PRIOR.sample(5)
    classifier = CodeClassifier(network=network, prior=PRIOR)
    likelihoods = classifier.negative_log_likelihoods(data, PRIOR.codes(latents))
    encoder, gaussians = (
        kind(network=network, latent_dim=1) for kind in (Encoder, GaussianEncoder)
    )
    total = encoder(data).sum() + gaussians(data).sample().sum() + sum(likelihoods.values())
    total.backward()
    for found in (encoder, gaussians, classifier):
        assert all(value.grad.abs().max() > 0 for value in found.parameters())


def test_the_first_outputs_are_means_and_the_others_log_variances():
    encoder = GaussianEncoder(network=Fixed, latent_dim=2)
    gaussian = encoder(torch.tensor([[1.0, -30.0, 0.0, 0.1], [2.0, 3.0, 1e9, -1e9]]))
    assert gaussian.mean.tolist() == [[1.0, -30.0], [2.0, 3.0]]
    small = 10 * math.tanh(0.01)
    expected = torch.tensor([[0.0, small], [10.0, -10.0]])
    torch.testing.assert_close(gaussian.log_variance, expected)
    assert gaussian.sample().isfinite().all()


def test_log_variances_of_common_size_are_hardly_changed():
    raw = torch.linspace(-2, 2, 41, dtype=torch.float64).unsqueeze(1).requires_grad_()
    outputs = torch.cat([raw, raw], dim=1)
    found = GaussianEncoder(network=Fixed, latent_dim=1)(outputs).log_variance
    assert (found - raw).abs().max() < 0.03
    (slope,) = torch.autograd.grad(found.sum(), raw)
    assert slope.min() > 0.96


def test_samples_have_the_stated_distribution():
    torch.manual_seed(0)
    mean, log_variance = torch.tensor([[2.0, -1.0]]), torch.tensor([[0.0, math.log(9)]])
    drawn = DiagonalGaussian(mean.expand(20000, 2), log_variance.expand(20000, 2)).sample().double()
    for values, reference in zip(drawn.T, [stats.norm(2, 1), stats.norm(-1, 3)], strict=True):
        assert stats.kstest(values.numpy(), reference.cdf).pvalue > 1e-3
    assert abs(torch.corrcoef(drawn.T)[0, 1]) < 0.03


def test_gradients_of_a_sample_are_those_of_the_reparameterisation():
    mean = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)
    log_variance = torch.randn(4, 3, dtype=torch.float64, requires_grad=True)

    def sample(mean, log_variance):
        torch.manual_seed(1)
        return DiagonalGaussian(mean, log_variance).sample()

    drawn = sample(mean, log_variance)
    by_mean, by_log_variance = torch.autograd.grad(drawn.sum(), [mean, log_variance])
    assert by_mean.eq(1).all()
    torch.testing.assert_close(by_log_variance, (drawn - mean).detach() / 2)
    assert torch.autograd.gradcheck(sample, (mean, log_variance))


def test_likelihoods_are_those_of_scipy():
    torch.manual_seed(0)
    values, mean, log_variance = torch.randn(3, 5, 4, dtype=torch.float64)
    found = DiagonalGaussian(mean, log_variance).negative_log_likelihood(values)
    deviations = np.exp(log_variance.numpy() / 2)
    expected = -stats.norm.logpdf(values.numpy(), mean.numpy(), deviations).sum(axis=1)
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12)


def classified(outputs):
    return CodeClassifier(network=Fixed, prior=PRIOR), torch.as_tensor(outputs)


def test_outputs_are_logits_of_each_code_then_means_and_log_variances():
    classifier, data = classified([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 0.1, 0.2]])
    logits, continuous = classifier(data)
    assert [scores.tolist() for scores in logits] == [[[1.0, 2.0, 3.0]], [[4.0, 5.0]]]
    assert continuous.mean.tolist() == [[6.0, 7.0]]
    torch.testing.assert_close(
        continuous.log_variance, torch.tensor([[0.1, 0.2]]), rtol=1e-3, atol=0
    )


def test_likelihoods_of_codes_written_out():
    rng = np.random.default_rng(0)
    outputs, values = rng.normal(size=(6, 9)), rng.uniform(-1, 1, size=(6, 2))
    first, second = rng.integers(3, size=6), rng.integers(2, size=6)
    classifier, data = classified(outputs)
    categories = [torch.as_tensor(first), torch.as_tensor(second)]
    codes = LatentParts(categories, torch.as_tensor(values), torch.empty(6, 5))
    found = classifier.negative_log_likelihoods(data, codes)

    rows = np.arange(6)
    of_first = special.log_softmax(outputs[:, :3], axis=1)[rows, first]
    of_second = special.log_softmax(outputs[:, 3:5], axis=1)[rows, second]
    deviations = np.exp(5 * np.tanh(outputs[:, 7:] / 10))
    of_continuous = stats.norm.logpdf(values, outputs[:, 5:7], deviations).sum(axis=1)
    assert set(found) == {"categorical", "continuous"}
    assert found["categorical"].item() == pytest.approx(-(of_first + of_second).mean())
    assert found["continuous"].item() == pytest.approx(-of_continuous.mean())
    assert {value.dim() for value in found.values()} == {0}


def test_codes_that_data_tell_nothing_of_have_their_entropy_as_likelihood():
    classifier, data = classified(torch.zeros(50, 9))
    found = classifier.negative_log_likelihoods(data, PRIOR.codes(PRIOR.sample(50)))
    assert found["categorical"].item() == pytest.approx(PRIOR.entropies["categorical"])
    assert found["continuous"].item() > PRIOR.entropies["continuous"]


def test_codes_that_data_tell_exactly_are_recovered_at_no_loss():
    latents = PRIOR.sample(20)
    codes = PRIOR.codes(latents)
    outputs = [1000 * latents[:, :5], codes.continuous, torch.full((20, 2), -1000.0)]
    classifier, data = classified(torch.cat(outputs, dim=1))
    assert torch.equal(classifier.recovered(data), codes.categories[0])
    found = classifier.negative_log_likelihoods(data, codes)
    assert found["categorical"] == 0
    assert found["continuous"].item() == pytest.approx(-10 + math.log(2 * math.pi), rel=1e-5)


@pytest.mark.parametrize(
    ("categories", "continuous", "names"),
    [
        ([4], 0, {"categorical"}),
        ([], 1, {"continuous"}),
        ([4, 2], 3, {"categorical", "continuous"}),
    ],
)
@EVERY_FAMILY
def test_there_are_likelihoods_of_the_codes_that_the_prior_has(
    shape, network, categories, continuous, names
):
    prior = CodePrior(latent_dim=9, categories=categories, continuous=continuous)
    classifier = CodeClassifier(network=network, prior=prior)
    data, codes = torch.randn(3, *shape), prior.codes(prior.sample(3))
    found = classifier.negative_log_likelihoods(data, codes)
    assert set(found) == set(prior.entropies) == names
    logits, gaussian = classifier(data)
    assert [scores.shape for scores in logits] == [(3, values) for values in categories]
    assert gaussian.mean.shape == gaussian.log_variance.shape == (3, continuous)


def test_a_classifier_learns_the_codes_of_data_that_hold_them():
    torch.manual_seed(0)
    prior = CodePrior(latent_dim=4, categories=[3], continuous=1)
    network = partial(MLPDiscriminator, shape=[2], depth=2, **ANY | {"width": 32}, **SLOPE)
    classifier = CodeClassifier(network=network, prior=prior)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=3e-3)
    for _ in range(300):
        codes = prior.codes(prior.sample(64))
        data = torch.stack([codes.categories[0].float(), codes.continuous[:, 0]], dim=1)
        found = classifier.negative_log_likelihoods(data, codes)
        optimizer.zero_grad()
        sum(found.values()).backward()
        optimizer.step()
    assert classifier.recovered(data).eq(codes.categories[0]).float().mean() > 0.95
    information = {name: prior.entropies[name] - found[name].item() for name in found}
    assert 0.8 * math.log(3) < information["categorical"] <= math.log(3)
    assert information["continuous"] > 1


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_in_mixed_precision_all_that_comes_out_is_float32(dtype):
    data = torch.randn(3, 2)
    encoder = Encoder(network=POINTS, latent_dim=2)
    gaussians = GaussianEncoder(network=POINTS, latent_dim=2)
    classifier = CodeClassifier(network=POINTS, prior=PRIOR)
    codes = PRIOR.codes(PRIOR.sample(3))
    with torch.autocast("cpu", dtype=dtype):
        assert encoder.network(data).dtype == dtype
        found = [
            encoder(data),
            *gaussians(data),
            gaussians(data).sample(),
            *classifier(data).logits,
        ]
        likelihoods = classifier.negative_log_likelihoods(data, codes)
    assert {values.dtype for values in (*found, *likelihoods.values())} == {torch.float32}
    for name, value in classifier.negative_log_likelihoods(data, codes).items():
        assert likelihoods[name].item() == pytest.approx(value.item(), rel=0.05)


SIZES = {"resnet": ["dataset=cifar10"], "mlp": ["dataset=ring"]}

# Networks from pictures to pictures, which take no latents.
OF_OTHER_MODELS = {"unet", "resnet_translation", "vqgan"}


@pytest.mark.parametrize("network", sorted(set(group_choices("network")) - OF_OTHER_MODELS))
def test_every_network_config_of_latents_has_an_encoder(network):
    torch.manual_seed(0)
    dataset = SIZES.get(network, ["dataset=digits"])
    config = compose_config(
        ["model=bigan", f"network={network}", *dataset, "network.generator.width=16"]
    )
    data = torch.rand(8, *config.dataset.shape) * 2 - 1
    for latent_dim in (1, 5):
        codes = Encoder(network=build(config.network.encoder), latent_dim=latent_dim)(data)
        assert codes.shape == (8, latent_dim)
        assert 0 < codes.detach().abs().mean() < 10  # about as large as latents


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Encoder(network=POINTS, latent_dim=0), "latent_dim must be a whole number"),
        (lambda: GaussianEncoder(network=POINTS, latent_dim=1.5), "latent_dim must be a whole"),
        (
            lambda: CodeClassifier(network=POINTS, prior=Normal(latent_dim=2)),
            "no codes to recover in these latents: set network.latent=codes",
        ),
        (
            lambda: CodeClassifier(
                network=POINTS, prior=CodePrior(latent_dim=2, categories=[], continuous=1)
            ).recovered(torch.zeros(1, 2)),
            "no code is categorical: set latent.categories",
        ),
    ],
)
def test_wrong_input_is_refused_in_one_line(build, message):
    with pytest.raises(InputError, match=message) as error:
        build()
    assert "\n" not in str(error.value)
