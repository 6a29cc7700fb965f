import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch.utils.data import Dataset
from torchmetrics.image.fid import FrechetInceptionDistance

from ganzoo.errors import InputError
from ganzoo.metrics.features import InceptionFeatures, RandomFeatures
from ganzoo.metrics.fid import FrechetDistance
from ganzoo.metrics.resizing import LegacyResizing, quantize


def digits():
    images = torch.tensor(load_digits().images).float()[:, None] / 8 - 1
    return images[torch.randperm(len(images), generator=torch.Generator().manual_seed(0))]


def rows(images, dimension=16):
    """Features of images, as a row each."""
    return RandomFeatures(dimension=dimension, seed=0)(images)


class Pictures(Dataset):
    def __init__(self, images):
        self.images = images

    def __len__(self):
        return len(self.images)

    def __getitem__(self, index):
        return self.images[index]


def measure(real, generated):
    built = FrechetDistance()
    built.update(real, real=True)
    built.update(generated, real=False)
    return built.compute()["fid"].item()


def test_gaussians_of_known_mean_and_covariance():
    generator = torch.Generator().manual_seed(0)
    normal = torch.randn(2, 100_000, 2, generator=generator, dtype=torch.float64)
    scales, shift = torch.tensor([0.5, 3.0]), torch.tensor([1.0, -2.0])
    exact = shift.square().sum() + (scales - 1).square().sum()
    measured = measure(normal[0], normal[1] * scales + shift)
    assert measured == pytest.approx(exact.item(), rel=0.02)


@pytest.mark.parametrize("counts", [(300, 250), (10, 12)])
def test_agrees_with_torchmetrics(counts):
    real, generated = digits()[: counts[0]], -0.5 * digits()[-counts[1] :]
    network = RandomFeatures(dimension=16, seed=0)
    theirs = FrechetInceptionDistance(feature=network, input_img_size=(1, 8, 8))
    theirs.update(real, real=True)
    theirs.update(generated, real=False)
    ours = measure(rows(real), rows(generated))
    assert ours == pytest.approx(theirs.compute().item(), rel=1e-5)


@pytest.mark.parametrize("counts", [(300, 250), (10, 12)])
def test_agrees_with_torch_fidelity(counts):
    reference = pytest.importorskip("torch_fidelity.metric_fid")
    real, generated = rows(digits()[: counts[0]]), rows(0.5 * digits()[-counts[1] :])
    statistics = [
        reference.fid_features_to_statistics(features.double()) for features in (real, generated)
    ]
    theirs = reference.fid_statistics_to_metric(*statistics, verbose=False)
    expected = theirs["frechet_inception_distance"]
    assert measure(real, generated) == pytest.approx(expected, rel=1e-5)


@pytest.mark.nightly  # the network and the distance each agree in tests of their own
def test_inception_distance_is_torch_fidelitys_and_torchmetrics(inception_weights):
    fidelity = pytest.importorskip("torch_fidelity")
    real = 2 * torch.rand(3, 3, 299, 299, generator=torch.Generator().manual_seed(0)) - 1
    generated = 0.7 * real.roll(100, dims=3).abs() - 0.2
    features = InceptionFeatures(weights=inception_weights, resizing=LegacyResizing(size=299))
    ours = measure(features(real), features(generated))
    theirs = fidelity.calculate_metrics(
        input1=Pictures(quantize(real)),
        input2=Pictures(quantize(generated)),
        fid=True,
        cuda=False,
        cache=False,
        verbose=False,
        feature_extractor_weights_path=inception_weights,
    )
    assert ours == pytest.approx(theirs["frechet_inception_distance"], rel=1e-4)
    wrapped = FrechetInceptionDistance(feature_extractor_weights_path=inception_weights)
    wrapped.update(quantize(real), real=True)
    wrapped.update(quantize(generated), real=False)
    assert ours == pytest.approx(wrapped.compute().item(), rel=1e-4)


def test_a_set_against_itself_is_zero():
    features = rows(digits()[:200])
    assert measure(features, features) == 0
    assert measure(features[:10], features[:10]) == 0
    assert 0 <= measure(features, features.flip(0)) < 1e-9


def test_neither_order_nor_batches_matter():
    real, generated = rows(digits()[:200]), rows(0.9 * digits()[300:480])
    built = FrechetDistance()
    for batch in generated.flip(0).split(50):
        built.update(batch, real=False)
    for batch in real.split(11):
        built.update(batch, real=True)
    assert built.compute()["fid"].item() == pytest.approx(measure(real, generated), rel=1e-5)


def test_merged_halves_are_the_whole():
    real, generated = rows(digits()[:200]), rows(0.9 * digits()[300:480])
    first, second = FrechetDistance(), FrechetDistance()
    first.update(real[:150], real=True)
    first.update(generated[:10], real=False)
    second.update(real[150:], real=True)
    second.update(generated[10:], real=False)
    first.merge_state(second)
    assert first.compute()["fid"].item() == pytest.approx(measure(real, generated), rel=1e-5)


def test_noise_and_dropped_modes_are_worse_than_held_out_samples():
    images = digits()
    noise = torch.randn(images[800:].shape, generator=torch.Generator().manual_seed(0))
    same = measure(rows(images[:800]), rows(images[800:]))
    noisy = (images[800:] + 0.5 * noise).clamp(-1, 1)
    assert 0 < 5 * same < measure(rows(images[:800]), rows(noisy))
    labels = torch.tensor(load_digits().target)
    ordered = torch.tensor(load_digits().images).float()[:, None] / 8 - 1
    assert measure(rows(ordered), rows(ordered[labels < 3])) > 5 * same


def test_two_devices_with_half_the_samples_agree_with_one():
    # The gathering is played by handing over the other device's state of the same shape.
    real, generated = rows(digits()[:200]), rows(0.9 * digits()[300:480])
    halves = [FrechetDistance(), FrechetDistance()]
    for data, is_real in ((real, True), (generated, False)):
        for half, part in zip(halves, data.split(len(data) // 2), strict=True):
            half.update(part, real=is_real)
    states = [[moments for (moments,) in half.metric_state.values()] for half in halves]
    pairs = iter([list(pair) for pair in zip(*states, strict=True)])
    halves[0].dist_sync_fn = lambda tensor, group: next(pairs)
    halves[0].distributed_available_fn = lambda: True
    together = halves[0].compute()["fid"].item()
    assert together == pytest.approx(measure(real, generated), rel=1e-5)
    assert [int(moments[0, 0]) for moments in halves[0].real] == [100]


def test_reset_forgets_samples_and_their_shape():
    built = FrechetDistance()
    built.update(rows(digits()[:50]) + 1, real=True)
    built.update(rows(digits()[50:100]), real=False)
    built.reset()
    with pytest.raises(InputError, match="got 0"):
        built.compute()
    wide = rows(digits(), dimension=20)
    built.update(wide[:50], real=True)
    built.update(wide[50:100], real=False)
    assert built.compute()["fid"].item() == measure(wide[:50], wide[50:100])


def test_means_far_from_zero_cost_no_digits():
    real, generated = rows(digits()[:200]).double(), rows(0.9 * digits()[300:480]).double()
    expected = measure(real, generated)
    assert measure(real + 2**20, generated + 2**20) == pytest.approx(expected, rel=1e-6)


def test_moments_stay_where_there_is_float64():
    def move(values):
        if values.dtype == torch.float64:
            raise TypeError("the MPS framework doesn't support float64")
        return values.to("meta")

    built = FrechetDistance()
    for real in (True, False):
        built.update(torch.randn(5, 2), real=real)
    built._apply(move)
    assert built.real[0].device.type == built.generated[0].device.type == "cpu"


@pytest.mark.parametrize("real, generated, name", [(1, 5, "real"), (5, 0, "generated")])
def test_too_few_samples(real, generated, name):
    built = FrechetDistance()
    built.update(torch.zeros(real, 3), real=True)
    built.update(torch.zeros(generated, 3), real=False)
    with pytest.raises(InputError, match=f"at least 2 {name} samples, got .*too high"):
        built.compute()


def test_wrong_samples():
    built = FrechetDistance()
    built.update(torch.zeros(5, 3), real=True)
    with pytest.raises(InputError, match="got 4 features after 3"):
        built.update(torch.zeros(5, 4), real=False)
    with pytest.raises(InputError, match="NaN"):
        built.update(np.nan * torch.zeros(5, 3), real=False)
