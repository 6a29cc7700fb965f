"""Data and networks that callbacks are watched with."""

import pytest
import torch
from lightning.pytorch import LightningDataModule
from torch import nn


class LabelledPoints(LightningDataModule):
    """Points whose class is that of the sign of their first coordinate.

    Each of ``parts`` is a method ``(count, seed)`` that gives some, from a seed of its own.
    """

    def __init__(self, loader, **parts):
        super().__init__()
        self.loader = loader
        for name, own in parts.items():
            setattr(self, name, lambda count, seed, own=own: self.points(count, own))

    def points(self, count, seed):
        points = torch.randn(count, 2, generator=torch.Generator().manual_seed(seed))
        return points, (points[:, 0] > 0).long()

    def train_dataloader(self):
        return self.loader


@pytest.fixture
def labelled_points(batches):
    """Make such data, with batches of 8."""
    return lambda labels=None, **parts: LabelledPoints(batches(8, 2, labels=labels), **parts)


class Restless(nn.Module):
    """A discriminator with everything that a forward pass can disturb."""

    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.utils.parametrizations.spectral_norm(nn.Linear(2, 8)),
            nn.BatchNorm1d(8),
            nn.Dropout(0.5),
            nn.Linear(8, 1),
            nn.Flatten(0),
        )

    def forward(self, data):
        return self.layers(data + 0.1 * torch.randn_like(data))


@pytest.fixture
def restless():
    """Make such a discriminator."""
    return Restless
