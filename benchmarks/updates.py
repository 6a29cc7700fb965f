"""What optimizers made for games cost: seconds for an update of both players, beside Adam's.

``make bench`` prints, for each update rule, each look-ahead and each optimizer of a single player,
how many times as long as alternating Adam one iteration takes, on the 2-D MLP and on DCGAN at
32x32; medians of ratios of neighbouring measurements.
"""

import argparse
import logging
import statistics
import sys
import warnings
from dataclasses import replace

import torch

from ganzoo.composition.compose import group_choices
from speed import CASES, Case, by_trainer

# A few long updates tell as much as many short ones.
SHORT = [replace(case, steps=max(4, case.steps // 3)) for case in CASES]
BASE = ["optimizer=adam", "updates=alternating"]
# Solves a linear system in each update, for small networks only.
SMALL_ONLY = "updates=competitive_gradient_descent"


def choices() -> list[str]:
    """Everything that changes how players move."""
    words = ("optimistic", "negative_momentum")
    optimizers = [n for n in group_choices("optimizer") if any(word in n for word in words)]
    return [
        *(f"updates={name}" for name in group_choices("updates")),
        *(f"lookahead={name}" for name in group_choices("lookahead") if name != "none"),
        *(f"optimizer={name}" for name in optimizers),
    ]


def ratio(case: Case, choice: str, repetitions: int) -> float:
    """The median over pairs of measurements of one choice's time over Adam's."""
    with_it = replace(case, overrides=[*case.overrides, *BASE, choice])
    without = replace(case, overrides=[*case.overrides, *BASE])
    pairs = [(by_trainer(with_it), by_trainer(without)) for _ in range(repetitions)]
    return statistics.median(mine / adams for mine, adams in pairs)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore")
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {sys.platform}")
    print(f"{'times alternating Adam':<42}" + "".join(f"{case.name:>28}" for case in SHORT))
    for choice in choices():
        cases = SHORT[:1] if choice == SMALL_ONLY else SHORT
        found = [f"{ratio(case, choice, arguments.repetitions):.2f}" for case in cases]
        print(f"{choice:<42}" + "".join(f"{value:>28}" for value in found), flush=True)


if __name__ == "__main__":
    main()
