import socket
import sys
from pathlib import Path

import pytest
import torch

from ganzoo.errors import InputError
from ganzoo.metrics.features import InceptionFeatures
from ganzoo.metrics.resizing import CleanResizing, LegacyResizing, quantize


def images(count=4, channels=3, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, channels, size, size, generator=generator) - 1


@pytest.fixture(scope="module")
def legacy(inception_weights):
    return InceptionFeatures(weights=inception_weights, resizing=LegacyResizing(size=299))


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


def no_network(*_, **__):
    raise socket.gaierror(-3, "no network")


class Trap:
    def __reduce__(self):
        return Path.touch, (Path("trap"),)


def test_inception_is_torch_fidelitys(inception_weights, legacy):
    package = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    theirs = package.FeatureExtractorInceptionV3(
        "inception",
        ["2048", "logits_unbiased"],
        feature_extractor_weights_path=inception_weights,
    )
    pictures = images(count=2, size=32)
    expected, logits = theirs(quantize(pictures))
    assert expected.std() > 0.1 and logits.std() > 0.01
    features = legacy(pictures)
    torch.testing.assert_close(features, expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(legacy.classify(features), logits, rtol=1e-5, atol=1e-5)
    assert legacy.dimension == 2048


def test_inception_with_clean_resizing_takes_unrounded_levels(inception_weights, legacy):
    resize = pytest.importorskip("cleanfid.resize").build_resizer("clean")
    features = InceptionFeatures(weights=inception_weights, resizing=CleanResizing(size=299))
    pictures = images(count=1, size=64)
    resized = resize(quantize(pictures)[0].permute(1, 2, 0).numpy())
    expected = torch.from_numpy((resized - 128) / 128).permute(2, 0, 1)[None]
    torch.testing.assert_close(features.preprocess(pictures), expected, rtol=0, atol=1e-6)
    assert features.fingerprint() != legacy.fingerprint()


def test_inception_weights_are_found_in_torch_hubs_cache(inception_weights, tmp_path, monkeypatch):
    package = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    name = package.URL_INCEPTION_V3.rpartition("/")[2]
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / name).symlink_to(inception_weights)
    before = torch.get_rng_state()
    InceptionFeatures(weights=None, resizing=LegacyResizing(size=299))
    assert torch.get_rng_state().equal(before)


def test_without_weights_and_network_inception_says_where_they_are(tmp_path, monkeypatch):
    package = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    with pytest.raises(InputError) as error:
        InceptionFeatures(weights=None, resizing=LegacyResizing(size=299))
    line = one_line(error)
    assert package.URL_INCEPTION_V3 in line and "metrics.features.inception.weights=PATH" in line
    assert not list((tmp_path / "checkpoints").iterdir())


def test_without_torch_fidelity_inception_says_how_to_install_it(monkeypatch):
    for name in ("feature_extractor_inceptionv3", "interpolate_compat_tensorflow"):
        monkeypatch.setitem(sys.modules, f"torch_fidelity.{name}", None)
    for build in (
        lambda: InceptionFeatures(weights=None, resizing=CleanResizing(size=299)),
        lambda: LegacyResizing(size=299),
    ):
        with pytest.raises(InputError) as error:
            build()
        assert "pip install 'lightning-ganzoo[inception]'" in one_line(error)


def test_wrong_files_of_weights(tmp_path, monkeypatch):
    pytest.importorskip("torch_fidelity")
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": torch.zeros(3)}, "other.pth")
    torch.save(Trap(), "trap.pth")
    torch.save([1, 2], "list.pth")
    Path("text.pth").write_text("no weights", encoding="utf-8")
    for name, reason in {
        "none.pth": "no file of weights",
        "other.pth": "another network",
        "trap.pth": "cannot be read|not a file of weights",
        "list.pth": "state dict",
        "text.pth": "not a file of weights",
    }.items():
        with pytest.raises(InputError, match=reason) as error:
            InceptionFeatures(weights=name, resizing=LegacyResizing(size=299))
        assert name in one_line(error)
    assert not Path("trap").exists()
