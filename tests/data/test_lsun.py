import io
import itertools
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from ganzoo.data.lsun import LSUN
from ganzoo.errors import InputError


def make(root, **changes):
    settings = {
        "root": str(root),
        "category": "tower_val",
        "download": False,
        "channels": 3,
        "image_size": 16,
    }
    return LSUN(**(settings | changes))


@pytest.fixture
def towers(tmp_path):
    """A database of five pictures of 16 x 16 pixels, and the pictures in the order of keys."""
    lmdb = pytest.importorskip("lmdb")
    pictures = np.random.default_rng(0).integers(0, 256, (5, 16, 16, 3), dtype=np.uint8)
    database = lmdb.open(str(tmp_path / "tower_val_lmdb"), map_size=2**22)
    with database, database.begin(write=True) as transaction:
        for number, picture in enumerate(pictures):
            file = io.BytesIO()
            Image.fromarray(picture).save(file, "WEBP", lossless=True)
            transaction.put(f"{number:040}".encode(), file.getvalue())
    return pictures


@pytest.mark.parametrize("limit", [2**30, 0])
def test_pictures_are_those_of_the_database(towers, tmp_path, limit):
    source = make(tmp_path)
    source.prepare()
    source.setup(memory_limit=limit)
    images, labels = source.gather(torch.arange(source.size))
    assert labels is None
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), towers)


def test_pictures_are_those_of_torchvision(towers, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    theirs = datasets.LSUN(root=str(tmp_path), classes=["tower_val"])
    assert len(theirs) == len(towers)
    assert all(np.array_equal(theirs[i][0], picture) for i, picture in enumerate(towers))


def test_workers_open_the_database_themselves(towers, tmp_path, module):
    def batches(limit):
        source = make(tmp_path)
        datamodule = module(source, memory_limit=limit, num_workers=2)
        return [batch[0] for batch in itertools.islice(iter(datamodule.train_dataloader()), 3)]

    for kept, made in zip(batches(2**30), batches(0), strict=True):
        assert torch.equal(kept, made)


def test_the_validation_pictures_of_a_training_set_are_held_out(towers, tmp_path):
    apart = make(tmp_path, category="tower_train", image_size=16).held_out()
    apart.prepare()
    apart.setup(memory_limit=2**30)
    images, _ = apart.gather(torch.arange(apart.size))
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), towers)
    assert make(tmp_path).held_out() is None
    assert make(tmp_path, category="test").held_out() is None


@pytest.mark.parametrize("download", [False, True])
def test_a_missing_database_is_one_clear_line(tmp_path, download):
    with pytest.raises(InputError, match=r"^there is no folder .*tower_val_lmdb: .*www.yf.io") as e:
        make(tmp_path, download=download).prepare()
    assert ("torchvision cannot download LSUN" in str(e.value)) == download
    assert "\n" not in str(e.value)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    (tmp_path / "tower_val_lmdb").mkdir()
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(InputError, match=r"needs the package lmdb: pip install '.*\[lsun\]'"):
        make(tmp_path).setup(memory_limit=0)


def test_a_folder_that_is_no_database_is_refused(tmp_path):
    pytest.importorskip("lmdb")
    (tmp_path / "tower_val_lmdb").mkdir()
    with pytest.raises(InputError, match="is no LMDB database"):
        make(tmp_path).setup(memory_limit=0)
