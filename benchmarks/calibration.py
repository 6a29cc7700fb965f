"""What each metric says of samples whose faults are known: ``python -m benchmarks.calibration``.

Reference are N training pictures of MNIST, held out are N of its test pictures. Measured against
the reference: other training pictures (the best that a generator could be), the same with a
fault of one kind, and the reference itself (a generator that has learnt it by heart).
"""

import argparse

import torch
from torch import Tensor
from torchvision.transforms.v2.functional import gaussian_blur

from benchmarks.markdown import lines
from benchmarks.tables import add_argument, column, write
from ganzoo.composition.compose import build, compose_config
from ganzoo.data.datamodule import DataModule
from ganzoo.metrics.evaluator import Evaluator
from ganzoo.metrics.sample_batches import TensorSamples

METRICS = (
    "fid", "kid", "inception_score", "prdc", "sliced_wasserstein", "sinkhorn", "ms_ssim",
    "memorization", "mifid",
)  # fmt: skip
ARROWS = {"minimize": "↓", "maximize": "↑"}


class MNIST:
    """The two real sides.

    Args:
        datamodule: The library's own, of MNIST.
        count: N.
    """

    def __init__(self, datamodule: DataModule, count: int) -> None:
        pictures, labels = datamodule.real(5 * count, seed=0)
        self.reference, self.labels = pictures[:count], labels[:count]
        self.other = pictures[count : 2 * count]
        rest = pictures[2 * count :]
        self.few = rest[labels[2 * count :] < 5][:count]
        self.test = datamodule.held_out(count, seed=0)

    def real(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """The reference."""
        return self.reference[:count], self.labels[:count]

    def held_out(self, count: int, seed: int) -> tuple[Tensor, Tensor]:
        """Test pictures."""
        return self.test


def faults(data: MNIST) -> dict[str, Tensor]:
    """Sets of N pictures under the names of their faults."""
    random = torch.Generator().manual_seed(1)
    noise = torch.randn(data.other.shape, generator=random)
    one = data.other[:1]
    return {
        "other real pictures": data.other,
        "noise of 0.3 added": (data.other + 0.3 * noise).clamp(-1, 1),
        "blurred by 1 pixel": gaussian_blur(data.other, [7, 7], [1.0, 1.0]),
        "digits 0 to 4 only": data.few,
        "one picture": (one + 0.02 * noise).clamp(-1, 1),
        "the reference itself": data.reference,
        "noise only": noise.clamp(-1, 1),
    }


def measure(evaluator: Evaluator, data: MNIST, sets: dict[str, Tensor]) -> dict[str, dict]:
    """All values of each set."""
    reference = evaluator.reference(data, "cpu")
    return {
        name: evaluator.measure(reference, TensorSamples(samples)).values
        for name, samples in sets.items()
    }


def main() -> None:
    """Measure, print the table, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", default="data", help="folder that holds MNIST")
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--features", default="classifier")
    parser.add_argument(
        "overrides", nargs="*", help="settings of the library, as metrics.evaluator.seed=1"
    )
    add_argument(parser)
    options = parser.parse_args()
    config = compose_config(
        [
            "dataset=mnist",
            f"dataset.root={options.root}",
            f"metrics=[{','.join(METRICS)}]",
            f"metrics.features={options.features}",
            f"metrics.evaluator.samples={options.samples}",
            *options.overrides,
        ]
    )
    data = MNIST(build(config.dataset.datamodule), options.samples)
    evaluator = build(config.metrics.evaluator)
    results = measure(evaluator, data, faults(data))
    arrows = {name: ARROWS[way] for name, way in evaluator.directions().items()}
    names = list(next(iter(results.values())))
    table = {
        "title": "What metrics see",
        "head": "",
        "columns": {fault: column(fault, significant=3) for fault in results},
        "rows": {
            f"`{name.partition('@')[0]}` {arrows.get(name, '')}".strip(): {
                fault: found[name] for fault, found in results.items()
            }
            for name in names
        },
    }
    print("\n".join(lines(table)))
    write(options.json, **table, seeds=[evaluator.seed], samples=options.samples)


if __name__ == "__main__":
    main()
