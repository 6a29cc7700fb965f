"""How well a VQGAN makes pictures again that it has never seen, and what its codes are used for.

``python -m benchmarks.reconstruction runs/latest --output FILE.png`` draws held-out pictures over
their reconstructions. Errors are means of squared differences of values in [-1, 1]; the mean
picture is that of as many pictures of the training data.
"""

import argparse
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

import ganzoo
from ganzoo.callbacks.reconstructions import pairs_of_rows
from ganzoo.pictures import save_png, sheet

COUNT, COLUMNS, ROWS = 5000, 16, 2


def main() -> None:
    """Draw, and print the errors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--output", type=Path, required=True)
    chosen = parser.parse_args()
    data = instantiate(OmegaConf.load(chosen.run / "config.yaml").dataset.datamodule)
    mean = data.real(COUNT, seed=0)[0].mean(0)
    pictures = data.held_out(COUNT, seed=0)[0]
    model = ganzoo.load(chosen.run / "checkpoints" / "last.ckpt")
    indices = torch.cat([model.encode(part) for part in pictures.split(250)])
    made = torch.cat([model.decode(part) for part in indices.split(250)])
    shown = COLUMNS * ROWS
    blocks = pairs_of_rows(pictures[:shown], made[:shown], COLUMNS)
    save_png(sheet("", blocks), chosen.output)
    usage = model.quantizer.usage(indices)
    used = round(usage["used"].item() * model.quantizer.num_codes)
    print(f"picture     {chosen.output}, {shown} of {len(pictures)}")
    print(f"error       {(pictures - mean).square().mean():.4f}  of the mean picture")
    print(f"error       {(pictures - made).square().mean():.4f}  of reconstructions")
    print(
        f"codes       {used} of {model.quantizer.num_codes}, perplexity {usage['perplexity']:.0f}"
    )


if __name__ == "__main__":
    main()
