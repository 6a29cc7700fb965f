"""What the metrics of a folder of pictures say of noise."""

import pytest
import torch
from sklearn.datasets import load_sample_images

from ganzoo.composition.compose import build, compose_config
from ganzoo.metrics.cache import FeatureCache
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.sample_batches import TensorSamples

COUNT, SIDE = 400, 32


def crops(generator):
    """Pieces of two photographs at a third of their size, uint8 [800, 3, 32, 32]."""
    photos = [torch.tensor(photo).permute(2, 0, 1).float() for photo in load_sample_images().images]
    photos = [torch.nn.functional.avg_pool2d(photo, 3).round().byte() for photo in photos]
    rows = torch.randint(photos[0].shape[1] - SIDE, (2 * COUNT,), generator=generator).tolist()
    columns = torch.randint(photos[0].shape[2] - SIDE, (2 * COUNT,), generator=generator).tolist()
    places = enumerate(zip(rows, columns, strict=True))
    return torch.stack([photos[n % 2][:, y : y + SIDE, x : x + SIDE] for n, (y, x) in places])


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    """The values of other crops and of noise by the defaults of a folder of pictures."""
    config = compose_config(["dataset=image_folder", "dataset.root=unused"])
    random = torch.Generator().manual_seed(0)
    pieces = crops(random)

    class Photographs:
        def real(self, count, seed):
            return pieces[:COUNT], None

    evaluator = Evaluator(
        metrics=build(config.metrics.evaluator.metrics),
        features=build(config.metrics.features),
        samples=COUNT,
        real_samples=None,
        batch_size=100,
        seed=0,
        cache=FeatureCache(folder=tmp_path_factory.mktemp("cache")),
    )
    reference = evaluator.reference(Photographs(), "cpu")
    noise = torch.randn(COUNT, 3, SIDE, SIDE, generator=random)
    sets = {
        "real": pieces[COUNT:],
        "uniform": torch.randint(256, (COUNT, 3, SIDE, SIDE), generator=random).byte(),
        "grey": (0.1 * noise).clamp(-1, 1),
        "faint grey": 0.01 * noise.clamp(-1, 1),
        "strong grey": (0.5 * noise).clamp(-1, 1),
    }
    return {
        name: evaluator.measure(reference, TensorSamples(samples)).values
        for name, samples in sets.items()
    }


@pytest.mark.parametrize("kind", ["uniform", "grey", "faint grey", "strong grey"])
def test_the_defaults_of_pictures_do_not_flatter_noise(values, kind):
    noise, real = values[kind], values["real"]
    assert noise[f"fid@{COUNT}"] > 5 * real[f"fid@{COUNT}"]
    for name in ("precision", "recall", "density", "coverage"):
        assert noise[f"{name}@{COUNT}"] < 0.05 < 0.7 < real[f"{name}@{COUNT}"]
