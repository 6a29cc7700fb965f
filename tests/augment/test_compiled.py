"""Augmentations in one graph of torch.compile."""

import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend

from ganzoo.annealing import CosineAnnealing
from ganzoo.augment import (
    AdaptiveProbability,
    AugmentationPipe,
    DiffAugment,
    ImageFilter,
    RandomApply,
    RandomCutout,
    RandomNoise,
)
from ganzoo.progress import Progress


@pytest.fixture(autouse=True)
def forgetting():
    yield
    torch._dynamo.reset()


def everything(probability):
    return AugmentationPipe(
        probability=probability,
        image_filter=ImageFilter(multiplier=1.0),
        noise=RandomNoise(multiplier=1.0),
        cutout=RandomCutout(multiplier=1.0),
    )


def result(augmentation, images):
    """The images, and a gradient through them."""
    torch.manual_seed(1)
    changed = augmentation(images)
    (gradient,) = torch.autograd.grad(changed.square().sum(), images)
    return changed.detach(), gradient


def compiled(augmentation):
    counter = CompileCounterWithBackend("aot_eager")
    return torch.compile(augmentation, backend=counter, fullgraph=True), counter


def test_one_graph_makes_what_the_pipe_makes_whatever_the_probability():
    pipe = everything(AdaptiveProbability(first=0.7))
    images = torch.rand(4, 4, 12, 8, requires_grad=True)
    graph, counter = compiled(pipe)
    close = {"atol": 1e-4, "rtol": 1e-4}
    torch.testing.assert_close(result(graph, images), result(pipe, images), **close)
    pipe.probability.probability.zero_()
    torch.testing.assert_close(graph(images), images, atol=1e-5, rtol=0)
    assert counter.frame_count == 1


@pytest.mark.parametrize(
    ("probability", "set_to"),
    [
        (
            CosineAnnealing(first=0.0, last=1.0, end=100, unit="images"),
            lambda part, share: part.begin_iteration(Progress(images=int(100 * share))),
        ),
        (AdaptiveProbability(), lambda part, share: part.probability.fill_(share)),
    ],
    ids=["follows a curve", "adapts"],
)
def test_nothing_is_compiled_anew_when_the_probability_changes(probability, set_to):
    augmentation = RandomApply(augmentation=lambda data: data + 1, probability=probability)
    images = torch.rand(64, 2, requires_grad=True)
    graph, counter = compiled(augmentation)
    before, counts = None, []
    for share in (0.2, 0.5, 0.9, 0.4):
        set_to(augmentation.probability, share)
        found = result(graph, images)
        torch.testing.assert_close(found, result(augmentation, images))
        assert before is None or not torch.equal(found[0], before)
        before, _ = found
        counts.append(counter.frame_count)
    assert counts[0] == counts[-1]


def test_diff_augment_is_one_graph():
    augmentation = DiffAugment()
    images = torch.rand(4, 3, 8, 8, requires_grad=True)
    graph, _ = compiled(augmentation)
    torch.testing.assert_close(result(graph, images), result(augmentation, images))
