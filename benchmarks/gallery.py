"""One picture of the samples of all models of a sweep, for the README's gallery.

Of a sweep such as ``python -m ganzoo.train -m experiment=digits_comparison model=gan,wgan``:
``python -m benchmarks.gallery --sweep runs/sweeps/<date>_<time> --output docs/digits.png``.
"""

import argparse
import json
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import torch

import ganzoo

COLUMNS, ROWS, SIDE = 4, 5, 10  # panels beside each other, rows and columns of samples in each


def samples(checkpoint: Path) -> torch.Tensor:
    """Samples ``[ROWS * SIDE, C, H, W]``; of a model with classes as many of each as of another."""
    model = ganzoo.load(checkpoint)
    classes = getattr(model, "num_classes", None)
    labels = torch.arange(ROWS * SIDE) % classes if classes else None
    return model.sample(ROWS * SIDE, labels=labels, seed=0)


def sheet(images: torch.Tensor) -> torch.Tensor:
    """Tile samples to one grey picture ``[ROWS * H, SIDE * W]`` in [0, 1]."""
    framed = torch.nn.functional.pad(images, (1, 1, 1, 1), value=0.0)
    height, width = framed.shape[2:]
    tiled = framed[:, 0].view(ROWS, SIDE, height, width).transpose(1, 2)
    return (tiled.reshape(ROWS * height, SIDE * width) + 1) / 2


def main() -> None:
    """Draw a panel for each run of the sweep, in its order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sweep", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args()
    runs = sorted(chosen.sweep.glob("*/summary.json"), key=lambda path: int(path.parent.name))
    rows = -(-len(runs) // COLUMNS)
    figure, panels = plt.subplots(rows, COLUMNS, figsize=(2.6 * COLUMNS, 1.55 * rows))
    for panel in panels.flat:
        panel.axis("off")
    for panel, run in zip(panels.flat, runs, strict=False):
        overrides = json.loads(run.read_text(encoding="utf-8"))["overrides"]
        name = next(item for item in overrides if item.startswith("model=")).removeprefix("model=")
        panel.imshow(sheet(samples(run.parent / "checkpoints" / "last.ckpt")), cmap="gray")
        panel.set_title(name, fontsize=9)
    figure.tight_layout(pad=0.4)
    chosen.output.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(chosen.output, dpi=110)
    print(f"picture     {chosen.output}")


if __name__ == "__main__":
    main()
