import pytest
import torch
from torchvision.transforms.v2 import functional

from ganzoo.data.crops import RandomCrops
from ganzoo.data.plan import ProcessShare
from ganzoo.errors import InputError

EVERYTHING = 2**40


def shares(batch_size, rank=0, world_size=1):
    return ProcessShare(
        batch_size=batch_size, batches_per_iteration=1, rank=rank, world_size=world_size
    )


def ready(source):
    source.prepare()
    source.setup(memory_limit=EVERYTHING)
    return source


def place(part, whole):
    """Where a part lies in a picture."""
    height, width = part.shape[1:]
    windows = whole.unfold(1, height, 1).unfold(2, width, 1)
    found = (windows == part[:, None, None]).all(4).all(3).all(0).nonzero().tolist()
    assert len(found) <= 1
    return tuple(found[0]) if found else None


def test_training_sees_every_part_of_each_picture(crops):
    source = ready(crops(3, 2))
    wholes = source.source.images
    assert source.shape == (2, 6, 4)
    assert wholes.shape == (3, 2, 9, 6)
    batches = source.batches(shares=shares(3), seed=0, horizontal_flip=False)
    seen = {0: set(), 1: set(), 2: set()}
    for iteration in range(200):
        parts, labels = batches[iteration]
        assert labels is None
        for part in parts:
            ((number, found),) = [
                (n, at) for n, whole in enumerate(wholes) if (at := place(part, whole))
            ]
            seen[number].add(found)
    every = {(top, left) for top in range(4) for left in range(3)}
    assert all(places == every for places in seen.values())


def test_mirrored_pictures_are_cut_too(crops):
    source = ready(crops(1, 1))
    whole = source.source.images[0]
    batches = source.batches(shares=shares(1), seed=0, horizontal_flip=True)
    parts = [batches[iteration][0][0] for iteration in range(60)]
    mirrored = [place(part, whole) is None for part in parts]
    assert 15 < sum(mirrored) < 45
    for part, is_mirrored in zip(parts, mirrored, strict=True):
        assert place(part.flip(-1) if is_mirrored else part, whole) is not None


def test_places_depend_on_the_seed_and_the_iteration_alone(crops):
    def parts(seed, iteration):
        batches = ready(crops(40, 1)).batches(shares=shares(40), seed=seed, horizontal_flip=False)
        return batches[iteration][0].flatten(1).sort(0).values

    assert torch.equal(parts(0, 5), parts(0, 5))
    assert not torch.equal(parts(0, 5), parts(0, 6))
    assert not torch.equal(parts(0, 5), parts(1, 5))


def test_elsewhere_wholes_are_seen(crops):
    source = ready(crops(5, 3))
    images, labels = source.real(5, 0)
    assert labels is None
    wholes = source.source.real(5, 0)[0]
    bicubic = functional.InterpolationMode.BICUBIC
    expected = functional.resize(wholes, [6, 4], interpolation=bicubic, antialias=True)
    assert torch.equal(images, expected)


def test_a_scale_of_one_leaves_pictures_alone(noise):
    source = RandomCrops(
        source=lambda image_size: noise(7, (1, *image_size)), image_size=5, scale=1.0
    )
    source = ready(source)
    images = source.batches(shares=shares(7), seed=0, horizontal_flip=False)[0][0]
    assert torch.equal(images.flatten(1).sort(0).values, source.source.images.flatten(1).sort(0)[0])
    assert torch.equal(source.real(7, 0)[0], source.source.real(7, 0)[0])
    assert source.held_out() is None


def test_held_out_pictures_are_those_of_the_collection(crops, noise):
    source = crops(5, 3)
    other = noise(2, (3, 9, 6))
    source.source.held_out = lambda: other
    apart = ready(source.held_out())
    assert isinstance(apart, RandomCrops)
    assert (apart.size, apart.shape) == (2, source.shape)
    assert source.source is not other


@pytest.mark.parametrize("scale", [0.9, 0, -1, float("nan")])
def test_a_scale_that_makes_no_room_is_refused(scale, noise):
    with pytest.raises(InputError, match="scale_before_crop must be"):
        RandomCrops(source=noise, image_size=4, scale=scale)
