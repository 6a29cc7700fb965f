import logging

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics.cache import FeatureCache

SAMPLES = torch.linspace(-1, 1, 24).view(3, 2, 2, 2)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(folder=tmp_path / "deep" / "cache")


def test_what_is_written_is_read(cache):
    rows = torch.randn(5, 7, generator=torch.Generator().manual_seed(0))
    assert cache.read("a") is None
    cache.write("a", rows)
    assert torch.equal(cache.read("a"), rows)
    assert cache.read("b") is None


def test_the_key_tells_samples_and_extractors_apart():
    keys = {
        FeatureCache.key(SAMPLES, "f"),
        FeatureCache.key(SAMPLES, "g"),
        FeatureCache.key(SAMPLES[:2], "f"),
        FeatureCache.key(SAMPLES.flip(0), "f"),
        FeatureCache.key(SAMPLES.double(), "f"),
        FeatureCache.key(SAMPLES.reshape(3, 1, 2, 4), "f"),
        FeatureCache.key(SAMPLES + torch.finfo(torch.float32).eps, "f"),
    }
    assert len(keys) == 7
    assert FeatureCache.key(SAMPLES.clone(), "f") in keys


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: data.replace(data[200:220], bytes(20)),
        lambda data: b"not a zip file at all",
    ],
)
def test_a_damaged_file_is_made_again(cache, damage, caplog):
    rows = torch.arange(40.0).view(8, 5) + 1
    cache.write("a", rows)
    (path,) = cache.folder.rglob("*.npz")
    path.write_bytes(damage(path.read_bytes()))
    with caplog.at_level(logging.WARNING, "ganzoo"):
        assert cache.read("a") is None
    assert "is damaged" in caplog.text
    cache.write("a", rows)
    assert torch.equal(cache.read("a"), rows)


def test_nothing_lies_about_beside_the_files(cache):
    cache.write("a", SAMPLES.flatten(1))
    assert [path.name for path in cache.folder.rglob("*") if path.is_file()] == ["a.npz"]


def test_a_folder_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="set cache_dir to a folder that can be written"):
        FeatureCache(folder=tmp_path / "file").write("a", SAMPLES.flatten(1))
