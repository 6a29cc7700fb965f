"""A small convolutional classifier that is trained on the data set at hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

from ganzoo.defaults import FROM_CONFIG, defaults_from
from ganzoo.errors import InputError, check_positive, check_whole
from ganzoo.metrics.progress import with_progress

# Pictures that go through a trained classifier at once.
_BATCH = 500
# Height and width down to which pictures are pooled.
_SMALLEST = 4
# Convolutions at the least, and the most that their channels grow beyond the first one's.
_CONVOLUTIONS, _GROWTH = 3, 4


class Classifier(nn.Module):
    """Convolutions with batch normalization and pooling, one hidden linear layer, one to classes.

    Each 3x3 convolution is followed by batch normalization (1502.03167), a rectifier and, until
    pictures are 4 pixels high or wide, max-pooling by 2; there are at least three. Channels
    double from ``width`` to four times that. He initialization (1502.01852) from a seed; nothing
    is drawn from the global random state.

    Args:
        shape: Of pictures, ``[C, H, W]``.
        num_classes: K.
        width: Channels of the first convolution.
        dimension: F, the size of the hidden layer.
        seed: Chooses the first weights, zero or above.

    Raises:
        InputError: if a number is not whole or too small, or the shape is not that of pictures.
    """

    def __init__(
        self, *, shape: Sequence[int], num_classes: int, width: int, dimension: int, seed: int
    ) -> None:
        super().__init__()
        check_whole(num_classes=num_classes, width=width, dimension=dimension)
        check_whole(0, seed=seed)
        if len(shape) != 3:
            raise InputError(
                f"a classifier needs pictures [C, H, W], not samples of shape {list(shape)}"
            )
        # What the constructors of layers draw is put back, and drawn anew from the seed.
        with torch.random.fork_rng(devices=[]):
            convolutions, size = _convolutions(shape, width)
            self.trunk = nn.Sequential(
                *convolutions,
                nn.Flatten(),
                nn.Linear(size, dimension, bias=False),
                nn.BatchNorm1d(dimension),
                nn.ReLU(),
            )
            self.head = nn.Linear(dimension, num_classes)
        self._initialize(torch.Generator().manual_seed(seed))
        self.to(memory_format=torch.channels_last)  # twice as fast on a CPU

    def features(self, pictures: Tensor) -> Tensor:
        """Compute the hidden layer ``[B, F]`` of pictures, uint8 ``[B, C, H, W]``."""
        levels = pictures.to(self.head.weight.device).float().div(127.5).sub(1)
        hidden: Tensor = self.trunk(levels.contiguous(memory_format=torch.channels_last))
        return hidden

    def forward(self, pictures: Tensor) -> Tensor:
        """Compute the logits ``[B, K]`` of pictures, uint8 ``[B, C, H, W]``."""
        logits: Tensor = self.head(self.features(pictures))
        return logits

    def _initialize(self, generator: torch.Generator) -> None:
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
        nn.init.zeros_(self.head.bias)


def _convolutions(shape: Sequence[int], width: int) -> tuple[list[nn.Module], int]:
    """The layers before the linear ones, and how many values come out of them."""
    channels, height, breadth = shape
    layers: list[nn.Module] = []
    sizes = [channels, *(width * min(2**number, _GROWTH) for number in range(16))]
    for number, (inputs, outputs) in enumerate(pairwise(sizes)):
        pooled = min(height, breadth) > _SMALLEST
        if number >= _CONVOLUTIONS and not pooled:
            break
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)]
        layers.append(nn.ReLU())
        channels = outputs
        if pooled:
            layers.append(nn.MaxPool2d(2))
            height, breadth = height // 2, breadth // 2
    return layers, channels * height * breadth


@defaults_from("metrics/features/base/training")
@dataclass(frozen=True, kw_only=True)
class ClassifierTraining:
    """How classifiers are made and trained: the same cost whatever the number of pictures.

    Adam (1412.6980) on the cross-entropy, with a learning rate that rises for a quarter of the
    steps and falls for the rest (one cycle, Smith and Topin 2017, 1708.07120), on batches from
    passes over the pictures, each in a new order. The same pictures give the same classifier on
    the same device and number of threads.

    Attributes:
        steps: Optimizer steps.
        batch_size: Pictures in one step; all of them if there are fewer.
        learning_rate: The highest.
        width: Channels of the first convolution.
        dimension: F, the size of the hidden layer.
        seed: Chooses first weights and the order of pictures, zero or above.

    Raises:
        InputError: if a number is not whole or not positive.
    """

    steps: int = FROM_CONFIG
    batch_size: int = FROM_CONFIG
    learning_rate: float = FROM_CONFIG
    width: int = FROM_CONFIG
    dimension: int = FROM_CONFIG
    seed: int = FROM_CONFIG

    def __post_init__(self) -> None:
        """Check the numbers."""
        check_whole(steps=self.steps, width=self.width, dimension=self.dimension)
        check_whole(2, batch_size=self.batch_size)  # batch normalization needs two
        check_whole(0, seed=self.seed)
        check_positive(learning_rate=self.learning_rate)

    def build(self, shape: Sequence[int], num_classes: int) -> Classifier:
        """Make a classifier of pictures ``[C, H, W]`` in K classes that is not trained yet."""
        return Classifier(
            shape=shape,
            num_classes=num_classes,
            width=self.width,
            dimension=self.dimension,
            seed=self.seed,
        )

    def train(
        self, pictures: Tensor, labels: Tensor, *, num_classes: int, device: torch.device | str
    ) -> Classifier:
        """Make and train a classifier.

        Args:
            pictures: uint8 ``[N, C, H, W]``, at least 2, on any device.
            labels: int64 ``[N]``, from 0 to K - 1, on the same device.
            num_classes: K.
            device: Where to train, and where the classifier is left.

        Returns:
            The classifier in evaluation mode, without gradients.

        Raises:
            InputError: if there are fewer than 2 pictures, they are not uint8, or a label is not
                among the classes.
        """
        _check(pictures, labels, num_classes)
        # Whatever mode and precision the training of a GAN around it has.
        precise = torch.autocast(torch.device(device).type, enabled=False)
        with torch.inference_mode(False), torch.enable_grad(), precise:
            classifier = self.build(pictures.shape[1:], num_classes).to(device)
            self._optimize(classifier, pictures, labels)
        return classifier.requires_grad_(False).eval()

    def _optimize(self, classifier: Classifier, pictures: Tensor, labels: Tensor) -> None:
        optimizer = torch.optim.Adam(classifier.parameters(), lr=self.learning_rate)
        cycle = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, self.learning_rate, total_steps=self.steps, pct_start=0.25
        )
        work = f"training a classifier on {len(pictures):,} pictures"
        for index in with_progress(self._batches(len(pictures)), count=self.steps, work=work):
            index = index.to(pictures.device)
            logits = classifier(pictures[index])
            loss = nn.functional.cross_entropy(logits, labels[index].to(logits.device))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            cycle.step()

    def _batches(self, count: int) -> Iterator[Tensor]:
        generator = torch.Generator().manual_seed(self.seed)
        size = min(self.batch_size, count)
        left = torch.empty(0, dtype=torch.int64)
        for _ in range(self.steps):
            if len(left) < size:
                left = torch.randperm(count, generator=generator)
            yield left[:size]
            left = left[size:]


@torch.no_grad()
def predict(classifier: Classifier, pictures: Tensor) -> Tensor:
    """Find the most likely class ``[N]`` of each picture, uint8 ``[N, C, H, W]``, on the CPU."""
    parts = [classifier(part).argmax(dim=1).cpu() for part in torch.split(pictures, _BATCH)]
    return torch.cat(parts)


def accuracy(classifier: Classifier, pictures: Tensor, labels: Tensor) -> float:
    """Compute the share of pictures ``[N, C, H, W]`` whose most likely class is their label."""
    return (predict(classifier, pictures) == labels.cpu()).double().mean().item()


def _check(pictures: Tensor, labels: Tensor, num_classes: int) -> None:
    if pictures.ndim != 4 or pictures.dtype != torch.uint8:
        raise InputError(
            f"a classifier is trained on uint8 pictures [N, C, H, W], not {pictures.dtype} "
            f"{list(pictures.shape)}"
        )
    if len(pictures) < 2 or len(labels) != len(pictures):
        raise InputError(
            f"a classifier needs at least 2 pictures with one label each, "
            f"got {len(pictures)} pictures and {len(labels)} labels"
        )
    if labels.min() < 0 or labels.max() >= num_classes:
        raise InputError(
            f"labels must be from 0 to {num_classes - 1}, not {int(labels.min())} to "
            f"{int(labels.max())}"
        )
