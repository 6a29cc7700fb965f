import copy
import pickle
from functools import partial

import numpy as np
import pytest
import torch
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.losses import Energy
from ganzoo.networks.autoencoder import AutoencoderDiscriminator, logit_of_energy
from ganzoo.networks.batch_statistics import (
    MinibatchDiscrimination,
    MinibatchStandardDeviation,
    NoBatchStatistics,
)
from ganzoo.networks.conditional import LabelCodeDiscriminator
from ganzoo.networks.initialization import HeUniform
from ganzoo.networks.label_codes import OneHotLabels
from ganzoo.networks.normalization import BatchNorm, LayerNorm, NoNorm, SpectralNorm
from ganzoo.networks.virtual_batch import VirtualBatchNorm

SETTINGS = {
    "shape": [5],
    "code_dim": 2,
    "width": 16,
    "depth": 2,
    "negative_slope": 0.2,
    "exponent": 1.0,
    "outputs": 1,
    "batch_statistics": NoBatchStatistics(),
    "normalization": NoNorm(),
    "initialization": HeUniform(negative_slope=0.2),
}
NORMS = [
    NoNorm(),
    BatchNorm(eps=1e-5, momentum=0.1),
    LayerNorm(eps=1e-5),
    SpectralNorm(power_iterations=1),
    VirtualBatchNorm(reference_size=4, eps=1e-5),
]


def autoencoder(**changes):
    torch.manual_seed(0)
    return AutoencoderDiscriminator(**SETTINGS | changes)


def energies_of(logits):
    return functional.softplus(-logits)


@pytest.mark.parametrize("exponent", [1.0, 1.5, 2.0])
@pytest.mark.parametrize("shape", [[5], [2, 4, 3]])
def test_the_energy_is_the_mean_reconstruction_error(shape, exponent):
    network = autoencoder(shape=shape, exponent=exponent)
    data = torch.randn(6, *shape).clamp(-1, 1)
    logits = network(data)
    reconstruction = network.decoder(network.encoder(data)).detach()
    assert reconstruction.shape == data.shape
    expected = np.abs((data - reconstruction).numpy()) ** exponent
    expected = expected.reshape(6, -1).mean(axis=1)
    assert logits.shape == (6,)
    assert energies_of(logits).tolist() == pytest.approx(expected.tolist(), rel=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_logit_is_exact_from_the_smallest_to_the_largest_energies(dtype):
    energies = torch.logspace(-30, 30, 301, dtype=torch.float64).to(dtype)
    logits = logit_of_energy(energies)
    assert logits.isfinite().all()
    torch.testing.assert_close(energies_of(logits), energies, rtol=5e-6, atol=0)
    exact = energies.double().numpy()
    expected = -exact - np.log(-np.expm1(-exact))
    torch.testing.assert_close(logits.double(), torch.tensor(expected), rtol=1e-6, atol=1e-6)


def test_an_energy_of_zero_has_a_finite_logit():
    assert logit_of_energy(torch.zeros(1)).isfinite().all()
    assert energies_of(logit_of_energy(torch.zeros(1))).item() < 1e-37


@pytest.mark.parametrize("energy", [1e-30, 1e-6, 0.1, 3.0, 60.0])
def test_the_gradient_of_the_energy_is_that_of_the_error(energy):
    error = torch.tensor([energy], requires_grad=True)
    energies_of(logit_of_energy(error)).backward()
    assert error.grad.item() == pytest.approx(1, rel=1e-4)


def test_a_code_as_large_as_the_data_can_reconstruct_them_and_a_smaller_one_cannot():
    """Trained on reconstruction alone; a code of 2 keeps at most 2 of 5 independent numbers."""
    errors = []
    for code_dim in (2, 5):
        network = autoencoder(code_dim=code_dim, depth=1, width=32, exponent=2.0)
        optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
        for _ in range(250):
            optimizer.zero_grad()
            error = energies_of(network(torch.randn(64, 5))).mean()
            error.backward()
            optimizer.step()
        errors.append(error.item())
    assert errors[0] > 0.4
    assert errors[1] < 0.15


def test_the_energy_loss_teaches_it_to_reconstruct_real_and_not_generated_data():
    network, loss = autoencoder(code_dim=5, width=32), Energy(margin=1.0)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-2)
    for _ in range(150):
        real, fake = torch.randn(64, 5), 3 + torch.randn(64, 5)
        optimizer.zero_grad()
        sum(loss.discriminator(network(real), network(fake)).values()).backward()
        optimizer.step()
    with torch.no_grad():
        assert energies_of(network(torch.randn(500, 5))).mean() < 0.2
        assert energies_of(network(3 + torch.randn(500, 5))).mean() > 0.9


@pytest.mark.parametrize("normalization", NORMS)
def test_gradients_reach_all_parameters(normalization):
    network = autoencoder(normalization=normalization)
    energies_of(network(torch.randn(8, 5))).sum().backward()
    assert all(value.grad.abs().max() > 0 for value in network.parameters())


@pytest.mark.parametrize("exponent", [1.0, 2.0])
def test_gradients_of_gradients_are_those_of_finite_differences(exponent):
    network = autoencoder(exponent=exponent).double()
    data = torch.randn(3, 5, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(network, data)
    assert torch.autograd.gradgradcheck(network, data)


def test_a_code_of_one_number_works():
    assert autoencoder(code_dim=1)(torch.randn(3, 5)).shape == (3,)


def test_logits_are_float32_under_autocast():
    network, data = autoencoder(), torch.randn(3, 5)
    with torch.autocast("cpu", torch.bfloat16):
        logits = network(data)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, network(data), atol=0.1, rtol=0.1)


def test_with_labels_it_reconstructs_them_beside_the_data():
    network = partial(AutoencoderDiscriminator, **SETTINGS | {"shape": [5]})
    conditional = LabelCodeDiscriminator(
        network=lambda shape: network(shape=shape),
        shape=[5],
        label_code=OneHotLabels(num_classes=3),
    )
    data = torch.randn(3, 5)
    assert conditional.network.shape == (8,)
    logits = conditional(data, torch.tensor([0, 1, 2]))
    assert not torch.allclose(logits, conditional(data, torch.tensor([1, 2, 0])))


def test_networks_copy_pickle_and_compile():
    network, data = autoencoder(), torch.randn(4, 5)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    for twin in (copy.deepcopy(network), pickle.loads(pickle.dumps(network)), compiled):
        torch.testing.assert_close(twin(data), network(data))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"outputs": 10}, "has one output, its reconstruction error, not 10: choose network=mlp"),
        (
            {"batch_statistics": MinibatchDiscrimination(kernels=2, kernel_dimension=2)},
            "choose network.discriminator.batch_statistics=none, or penalty=pulling_away",
        ),
        (
            {"batch_statistics": MinibatchStandardDeviation(group_size=4, eps=1e-8)},
            "choose network.discriminator.batch_statistics=none, or penalty=pulling_away",
        ),
        ({"exponent": 0.5}, "exponent must be a number from 1 up, not 0.5"),
        ({"exponent": float("nan")}, "exponent must be a number from 1 up, not nan"),
        ({"code_dim": 0}, "code_dim must be a whole number from 1 up, not 0"),
        ({"shape": [3, 4]}, r"not \[3, 4\]"),
    ],
)
def test_wrong_settings_are_refused_in_one_line(changes, message):
    with pytest.raises(InputError, match=message) as error:
        autoencoder(**changes)
    assert "\n" not in str(error.value)


def test_a_batch_of_another_shape_is_refused():
    with pytest.raises(InputError, match=r"AutoencoderDiscriminator was built for batches \[B, 5"):
        autoencoder()(torch.randn(2, 4))
