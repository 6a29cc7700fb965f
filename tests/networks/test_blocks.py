import pytest
import torch
from torch import nn

from ganzoo.networks.batch_statistics import NoBatchStatistics
from ganzoo.networks.blocks import ResidualBlock, chain
from ganzoo.networks.conditional import LabelCodeDiscriminator
from ganzoo.networks.dcgan import DCGANDiscriminator, DCGANGenerator
from ganzoo.networks.initialization import NormalInitialization
from ganzoo.networks.label_codes import OneHotLabels
from ganzoo.networks.mlp import MLPDiscriminator
from ganzoo.networks.normalization import BatchNorm, NoNorm, SpectralNorm
from ganzoo.networks.resnet import ResNetDiscriminator

DRAWN = NormalInitialization(deviation=0.02)


def test_chain_leaves_out_what_does_nothing_and_keeps_the_order():
    first, last = nn.Linear(2, 3), nn.ReLU()
    assert list(chain(first, nn.Identity(), last)) == [first, last]
    assert len(chain(nn.Identity())) == 0


def test_a_residual_block_adds_its_two_branches():
    double, negate = nn.Linear(3, 3, bias=False), nn.Linear(3, 3, bias=False)
    with torch.no_grad():
        double.weight.copy_(2 * torch.eye(3))
        negate.weight.copy_(-torch.eye(3))
    features = torch.randn(4, 3)
    torch.testing.assert_close(ResidualBlock(residual=double, skip=negate)(features), features)


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (
            MLPDiscriminator(
                shape=[2],
                width=4,
                depth=2,
                negative_slope=0.2,
                outputs=1,
                batch_statistics=NoBatchStatistics(),
                normalization=SpectralNorm(power_iterations=1),
                initialization=DRAWN,
            ),
            (torch.randn(3, 2),),
        ),
        (
            DCGANGenerator(
                latent_dim=4,
                shape=[1, 8, 8],
                width=2,
                normalization=BatchNorm(eps=1e-5, momentum=0.1),
                initialization=DRAWN,
            ),
            (torch.randn(3, 4),),
        ),
        (
            ResNetDiscriminator(
                shape=[1, 32, 32],
                width=2,
                outputs=1,
                batch_statistics=NoBatchStatistics(),
                normalization=SpectralNorm(power_iterations=1),
                initialization=DRAWN,
                residual_initialization=DRAWN,
            ),
            (torch.randn(2, 1, 32, 32),),
        ),
        (
            LabelCodeDiscriminator(
                network=lambda shape: DCGANDiscriminator(
                    shape=shape,
                    width=2,
                    negative_slope=0.2,
                    outputs=1,
                    batch_statistics=NoBatchStatistics(),
                    normalization=NoNorm(),
                    initialization=DRAWN,
                ),
                shape=[1, 8, 8],
                label_code=OneHotLabels(num_classes=3),
            ),
            (torch.randn(3, 1, 8, 8), torch.arange(3)),
        ),
    ],
)
def test_networks_compile_without_a_graph_break(network, inputs):
    network.eval()
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(*inputs), network(*inputs))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_spectral_networks_run_and_learn_under_autocast(dtype):
    network = DCGANDiscriminator(
        shape=[1, 8, 8],
        width=4,
        negative_slope=0.2,
        outputs=1,
        batch_statistics=NoBatchStatistics(),
        normalization=SpectralNorm(power_iterations=1),
        initialization=DRAWN,
    )
    with torch.autocast("cpu", dtype):
        logits = network(torch.randn(4, 1, 8, 8))
    logits.float().square().sum().backward()
    assert all(value.grad.isfinite().all() for value in network.parameters())
    assert all(value.grad.abs().max() > 0 for value in network.parameters())
