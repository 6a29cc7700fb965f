import numpy as np
import pytest
import torch

from ganzoo.metrics.features.statistics import (
    add_features,
    empty_moments,
    feature_statistics,
    merge_moments,
    to_statistics,
)


def test_statistics_are_numpys_even_far_from_zero():
    features = np.random.default_rng(0).standard_normal((200, 7)) + 1e7
    measured = feature_statistics(torch.from_numpy(features))
    np.testing.assert_allclose(measured.mean, features.mean(axis=0), rtol=1e-14)
    shifted = np.cov(features - 1e7, rowvar=False)
    np.testing.assert_allclose(measured.covariance, shifted, rtol=1e-9, atol=1e-10)


@pytest.mark.parametrize("sizes", [[200], [1, 199], [50, 0, 1, 149]])
def test_batches_and_devices_join_to_the_statistics_of_all(sizes):
    features = torch.randn(200, 7, generator=torch.Generator().manual_seed(0)).double() + 1e5
    whole = feature_statistics(features)
    running, parts = empty_moments(7), []
    for batch in features.split(sizes):
        add_features(running, batch)
        parts.append(empty_moments(7))
        add_features(parts[-1], batch)
    for moments in (running, merge_moments(torch.stack(parts))):
        measured = to_statistics(moments)
        assert moments[0].tolist() == [200] * 7
        torch.testing.assert_close(measured.mean, whole.mean, rtol=1e-15, atol=0)
        torch.testing.assert_close(measured.covariance, whole.covariance, rtol=1e-10, atol=1e-12)
