"""How well a VQGAN makes pictures again that it has never seen, and what its codes are used for.

Of a finished run: ``python -m benchmarks.reconstruction runs/latest``. Errors are means of squared
differences of values in [-1, 1]; the mean picture is that of as many pictures of the training data.
"""

import argparse
from pathlib import Path

import torch
from hydra.utils import instantiate
from omegaconf import OmegaConf

import ganzoo

COUNT = 5000


def main() -> None:
    """Print the errors of the run's last and kept checkpoints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    run: Path = parser.parse_args().run
    data = instantiate(OmegaConf.load(run / "config.yaml").dataset.datamodule)
    seen = data.real(COUNT, seed=0)[0]
    held_out = data.held_out(COUNT, seed=0)
    pictures, words = (seen, "seen") if held_out is None else (held_out[0], "held-out")
    print(f"pictures    {len(pictures):,} {words}")
    print(f"error       {(pictures - seen.mean(0)).square().mean():.4f}  of the mean picture")
    for checkpoint in sorted((run / "checkpoints").glob("step_*.ckpt")):
        model = ganzoo.load(checkpoint)
        indices = torch.cat([model.encode(part) for part in torch.split(pictures, 250)])
        made = torch.cat([model.decode(part) for part in torch.split(indices, 250)])
        error = (made - pictures).square().mean()
        usage = model.quantizer.usage(indices)
        used = round(usage["used"].item() * model.quantizer.num_codes)
        words = f"{used} of {model.quantizer.num_codes} codes, perplexity {usage['perplexity']:.0f}"
        print(f"error       {error:.4f}  {checkpoint.stem}, {words}")


if __name__ == "__main__":
    main()
