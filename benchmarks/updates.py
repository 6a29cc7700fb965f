"""What optimizers made for games cost: seconds for an update of both players, beside Adam's.

``make bench`` prints, for each update rule, each look-ahead and each optimizer of a single player,
how many times as long as alternating Adam one iteration takes, on the 2-D MLP and on DCGAN at
32x32; medians of ratios of neighbouring measurements.
"""

import statistics
from dataclasses import replace

from ganzoo.composition.compose import group_choices
from speed import CASES, Case, by_trainer, repetitions

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


def ratio(case: Case, choice: str, times: int) -> float:
    """The median over pairs of measurements of one choice's time over Adam's."""
    with_it = replace(case, overrides=[*case.overrides, *BASE, choice])
    without = replace(case, overrides=[*case.overrides, *BASE])
    pairs = [(by_trainer(with_it), by_trainer(without)) for _ in range(times)]
    return statistics.median(mine / adams for mine, adams in pairs)


def main() -> None:
    """Print the table."""
    times = repetitions(__doc__, 3)
    print(f"{'times alternating Adam':<42}" + "".join(f"{case.name:>28}" for case in SHORT))
    for choice in choices():
        cases = SHORT[:1] if choice == SMALL_ONLY else SHORT
        found = [f"{ratio(case, choice, times):.2f}" for case in cases]
        print(f"{choice:<42}" + "".join(f"{value:>28}" for value in found), flush=True)


if __name__ == "__main__":
    main()
