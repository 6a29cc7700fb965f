import json
import logging
import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import yaml
from torchvision import datasets

from ganzoo.data.points import Ring
from ganzoo.errors import InputError
from ganzoo.metrics.classifier import ClassifierTraining
from ganzoo.metrics.digit_modes import DigitModes
from ganzoo.metrics.features import ClassifierFeatures

SETTINGS = {
    "steps": 15,
    "batch_size": 32,
    "learning_rate": 0.01,
    "width": 4,
    "dimension": 8,
    "seed": 0,
}


class Pictures:
    """Bright halves, left (0), right (1) or top (2), in noise."""

    def __init__(self, count=200, seed=0, noise=100, held_out=None, labelled=True):
        generator = torch.Generator().manual_seed(seed)
        self.labels = torch.randint(3, (count,), generator=generator)
        levels = torch.randint(0, noise, (count, 1, 8, 8), generator=generator)
        halves = torch.zeros(3, 1, 8, 8, dtype=torch.int64)
        halves[0, :, :, :4], halves[1, :, :, 4:], halves[2, :, :4] = 100, 100, 100
        self.pictures = (levels + halves[self.labels]).to(torch.uint8)
        self.num_classes = 3 if labelled else None
        self.shape, self.size = (1, 8, 8), count
        self._held_out, self._calls = held_out, []

    def prepare(self):
        self._calls.append("prepare")

    def setup(self, *, memory_limit):
        assert self._calls == ["prepare"]
        self._calls.append("setup")

    def gather(self, indices):
        assert self._calls[-1] == "setup"
        return self.pictures[indices], self.labels[indices] if self.num_classes else None

    def held_out(self):
        return self._held_out


def make(folder, source=None, limit=1000, **changes):
    return ClassifierFeatures(
        source=source or Pictures(held_out=Pictures(60, seed=1)),
        folder=folder,
        training=ClassifierTraining(**(SETTINGS | changes)),
        limit=limit,
    )


def images(count=20, seed=5):
    return Pictures(count, seed).pictures.float() / 127.5 - 1


def files(folder):
    return sorted((folder / "classifiers").iterdir())


@pytest.fixture
def trained(monkeypatch):
    """Record the data of every training."""
    calls = []
    own = ClassifierTraining.train

    def train(self, pictures, labels, **options):
        calls.append((pictures, labels))
        return own(self, pictures, labels, **options)

    monkeypatch.setattr(ClassifierTraining, "train", train)
    return calls


def test_features_are_the_layer_below_the_logits(tmp_path):
    features = make(tmp_path)
    rows = features(images())
    assert rows.shape == (20, features.dimension) == (20, 8)
    assert rows.dtype == torch.float32 and not rows.requires_grad
    levels = Pictures(20, 5).pictures
    torch.testing.assert_close(features.classify(rows), features.classifier(levels))
    assert torch.equal(features.classify(rows).argmax(dim=1), Pictures(20, 5).labels)


def test_the_accuracy_is_that_on_held_out_pictures(tmp_path):
    held_out = Pictures(60, seed=1, noise=155)
    features = make(tmp_path, Pictures(held_out=held_out), steps=6)
    answers = features.classify(features(held_out.pictures.float() / 127.5 - 1)).argmax(dim=1)
    right = sum(int(a == b) for a, b in zip(answers, held_out.labels, strict=True))
    assert 0 < right < 60
    assert features.accuracy == right / 60
    assert features.protocol()["accuracy"] == right / 60
    assert features.protocol()["pictures"] == 200
    assert features.protocol()["tested_on"] == 60


def test_without_held_out_pictures_a_tenth_is_left_out_of_training(tmp_path, trained):
    source = Pictures(205)
    features = make(tmp_path, source)
    features.prepare()
    ((pictures, labels),) = trained
    assert len(pictures) == len(labels) == 184
    used = {tuple(row) for row in pictures.flatten(1).tolist()}
    rest = [tuple(row) not in used for row in source.pictures.flatten(1).tolist()]
    assert sum(rest) == features.protocol()["tested_on"] == 21
    answers = features.classify(features(source.pictures[rest].float() / 127.5 - 1)).argmax(dim=1)
    assert features.accuracy == (answers == source.labels[rest]).double().mean().item()
    assert "left out of training" in features.protocol()["test_pictures"]


def test_unlabelled_held_out_pictures_are_not_used(tmp_path):
    source = Pictures(100, held_out=Pictures(60, seed=1, labelled=False))
    assert make(tmp_path, source).protocol()["tested_on"] == 10


def test_a_second_run_trains_nothing(tmp_path, trained, caplog):
    first = make(tmp_path)
    with caplog.at_level(logging.INFO, logger="ganzoo"):
        expected = first(images())
    before, line = [record.getMessage() for record in caplog.records]
    assert before.startswith("training a classifier on 200 pictures in 3 classes, once: it is kept")
    assert re.fullmatch(
        r"trained a classifier on 200 pictures in \d+ s: it knows [\d.]+ % of 60 held-out ones",
        line,
    )
    caplog.clear()
    second = make(tmp_path)
    assert torch.equal(second(images()), expected)
    assert len(trained) == 1 and not caplog.records
    assert second.fingerprint() == first.fingerprint()
    assert second.protocol() == first.protocol()
    assert json.loads(json.dumps(first.protocol())) == first.protocol()
    assert len(files(tmp_path)) == 1


def damage(path, kind):
    content = path.read_bytes()
    if kind == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "pickle":
        path.write_bytes(pickle.dumps(Path, protocol=2))
    elif kind == "changed":
        stored = torch.load(path, weights_only=True)
        stored["weights"]["head.weight"][0, 0] += 1e-6
        torch.save(stored, path)
    elif kind == "boastful":
        torch.save(torch.load(path, weights_only=True) | {"accuracy": 1.0}, path)
    else:
        torch.save({"weights": {}}, path)


@pytest.mark.parametrize(
    "kind", ["truncated", "empty", "pickle", "changed", "boastful", "another file"]
)
def test_a_damaged_file_is_made_again_with_a_warning(tmp_path, trained, caplog, kind):
    source = {"source": Pictures(held_out=Pictures(60, seed=1, noise=155)), "steps": 6}
    first = make(tmp_path, **source)
    expected, accuracy = first(images()), first.accuracy
    (path,) = files(tmp_path)
    damage(path, kind)
    source["source"] = Pictures(held_out=Pictures(60, seed=1, noise=155))
    with caplog.at_level(logging.WARNING, logger="ganzoo"):
        again = make(tmp_path, **source)
        assert torch.equal(again(images()), expected)
    assert again.accuracy == accuracy < 1
    warnings = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [str(path) in record.getMessage() for record in warnings] == [True]
    assert len(trained) == 2
    source["source"] = Pictures(held_out=Pictures(60, seed=1, noise=155))
    make(tmp_path, **source).prepare()
    assert len(trained) == 2 and files(tmp_path) == [path]


def other_pixel():
    source = Pictures(held_out=Pictures(60, seed=1))
    source.pictures[17, 0, 3, 3] += 1
    return {"source": source}


def other_label():
    source = Pictures(held_out=Pictures(60, seed=1))
    source.labels[17] = (source.labels[17] + 1) % 3
    return {"source": source}


@pytest.mark.parametrize(
    "changes",
    [
        other_pixel,
        other_label,
        lambda: {"limit": 150},
        lambda: {"seed": 1},
        lambda: {"steps": 31},
        lambda: {"width": 5},
        lambda: {"learning_rate": 0.02},
    ],
)
def test_other_data_or_settings_have_a_file_and_a_fingerprint_of_their_own(tmp_path, changes):
    first, second = make(tmp_path), make(tmp_path, **changes())
    assert first.fingerprint() != second.fingerprint()
    assert len(files(tmp_path)) == 2


def test_the_accuracy_on_other_pictures_is_not_taken_from_the_file(tmp_path, trained):
    make(tmp_path).prepare()
    hard = Pictures(60, seed=1, noise=155)
    assert make(tmp_path, Pictures(held_out=hard)).accuracy < make(tmp_path).accuracy
    assert len(trained) == 2


def test_at_most_so_many_pictures_are_used(tmp_path, trained):
    source = Pictures(200, held_out=Pictures(60, seed=1))
    protocol = make(tmp_path, source, limit=50).protocol()
    assert (protocol["pictures"], protocol["tested_on"]) == (50, 50)
    ((pictures, _),) = trained
    assert len(pictures.flatten(1).unique(dim=0)) == 50


def test_the_seed_of_the_run_and_modes_do_not_matter(tmp_path):
    torch.manual_seed(1)
    expected = make(tmp_path / "1")(images())
    torch.manual_seed(2)
    before = torch.get_rng_state()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(make(tmp_path / "2")(images()), expected)
    assert torch.equal(torch.get_rng_state(), before)


def test_features_are_fixed(tmp_path):
    features = make(tmp_path).train()
    features.prepare()
    assert not features.training and not features.classifier.training
    assert not any(values.requires_grad for values in features.parameters())


def test_what_cannot_be_classified_is_one_line(tmp_path):
    with pytest.raises(InputError, match=r"Ring has not: choose metrics.features=identity$"):
        make(tmp_path, Ring(modes=8, radius=2.0, deviation=0.02))
    with pytest.raises(InputError, match=r"SimpleNamespace has not"):
        make(tmp_path, SimpleNamespace(shape=(1, 8, 8)))
    with pytest.raises(InputError, match=r"^Pictures has no labels to train [^\n]*$"):
        make(tmp_path, Pictures(labelled=False)).prepare()
    few = Pictures(60, seed=1)
    few.num_classes = 2
    with pytest.raises(InputError, match="held-out pictures have 2 classes, those for training 3"):
        make(tmp_path, Pictures(held_out=few)).prepare()
    with pytest.raises(InputError, match="at least 2 pictures"):
        make(tmp_path, Pictures(1)).prepare()
    with pytest.raises(InputError, match=r"of shape \[1, 8, 8\], not \[3, 8, 8\]"):
        make(tmp_path)(torch.zeros(2, 3, 8, 8))


def test_a_folder_that_cannot_be_written_is_known_before_training(tmp_path, trained):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"^cannot write to [^\n]*: set cache_dir to [^\n]*$"):
        make(tmp_path / "file").prepare()
    assert not trained


def test_a_training_that_fails_leaves_no_file(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(ClassifierTraining, "train", fail)
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path).prepare()
    assert files(tmp_path) == []


CONF = Path(__file__).parents[2] / "conf" / "metrics" / "features" / "base" / "training.yaml"
SHARED = Path(__file__).parents[3] / "shared" / "data"


class Mnist:
    """The real digits, padded to 32 x 32."""

    def __init__(self, train):
        self.train, self.num_classes, self.shape = train, 10, (1, 32, 32)

    def prepare(self):
        pass

    def setup(self, *, memory_limit):
        found = datasets.MNIST(str(SHARED), train=self.train, download=False)
        self.pictures = torch.nn.functional.pad(found.data[:, None], [2] * 4)
        self.labels, self.size = found.targets, len(found.targets)

    def gather(self, indices):
        return self.pictures[indices], self.labels[indices]

    def held_out(self):
        return Mnist(train=False) if self.train else None


@pytest.mark.nightly
@pytest.mark.skipif(not (SHARED / "MNIST").is_dir(), reason="the real MNIST is not here")
def test_the_settings_of_the_config_know_99_percent_of_mnists_test_digits(tmp_path):
    settings = yaml.safe_load(CONF.read_text())
    del settings["_target_"]
    features = make(tmp_path, Mnist(train=True), limit=60_000, **settings)
    protocol = features.protocol()
    assert (protocol["pictures"], protocol["tested_on"]) == (60_000, 10_000)
    assert features.accuracy >= 0.99
    check_stacked_digits(features)


def check_stacked_digits(features):
    """Three digits of each of 2,000 pictures: all three are right of 0.99^3 at least."""
    test = Mnist(train=False)
    test.setup(memory_limit=0)
    chosen = torch.randint(10_000, (2000, 3), generator=torch.Generator().manual_seed(0))
    stacked = test.pictures[chosen.flatten()].view(2000, 3, 32, 32).float() / 127.5 - 1
    modes = (test.labels[chosen] * torch.tensor([100, 10, 1])).sum(dim=1)
    metric = DigitModes(classifier=features, batch_size=500)
    assert (metric.name_modes(stacked) == modes).double().mean() > 0.96
    metric.update(stacked, real=False)
    covered = len(modes.unique())
    assert metric.compute()["modes"].item() == pytest.approx(covered, abs=15)
