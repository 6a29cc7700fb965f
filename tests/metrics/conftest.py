"""What several tests of metrics share."""

import pytest
import torch


@pytest.fixture(scope="session")
def inception_weights(tmp_path_factory):
    """Random weights, from a seed, in a file as torch-fidelity's."""
    package = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    path = tmp_path_factory.mktemp("weights") / "inception.pth"
    build = package.FeatureExtractorInceptionV3
    with torch.random.fork_rng(devices=[]), pytest.MonkeyPatch.context() as patch:
        torch.manual_seed(0)
        patch.setattr(package, "load_state_dict_from_url", lambda *_, **__: None)
        patch.setattr(build, "load_state_dict", lambda self, state: None)
        network = build("inception", ["2048"])
        for layer in network.modules():
            if isinstance(layer, torch.nn.Conv2d):  # by default features are about 1e-8
                torch.nn.init.kaiming_normal_(layer.weight)
        torch.save(network.state_dict(), path)
    return str(path)
