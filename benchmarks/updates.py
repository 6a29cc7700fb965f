"""What optimizers made for games cost: seconds for an update of both players, beside Adam's.

``python -m benchmarks.updates`` prints, for each update rule, each look-ahead and each optimizer of
a single player, how many times as long as alternating Adam one iteration takes, on the 2-D MLP and
on DCGAN at 32x32; medians of ratios of neighbouring measurements.
"""

from dataclasses import replace

from benchmarks.speed import CASES, Case, by_trainer, options
from benchmarks.tables import column, spread, write
from ganzoo.composition.compose import group_choices

# A few long updates tell as much as many short ones.
SHORT = [replace(case, steps=max(4, case.steps // 3)) for case in CASES]
BASE = ["optimizer=adam", "optimizer.update_rule=alternating"]
# Solves a linear system in each update, for small networks only.
SMALL_ONLY = "optimizer.update_rule=competitive_gradient_descent"


def choices() -> list[str]:
    """Everything that changes how players move."""
    words = ("optimistic", "negative_momentum")
    optimizers = [n for n in group_choices("optimizer") if any(word in n for word in words)]
    return [
        *(f"optimizer.update_rule={name}" for name in group_choices("optimizer/update_rule")),
        *(
            f"optimizer.lookahead={name}"
            for name in group_choices("optimizer/lookahead")
            if name != "none"
        ),
        *(f"optimizer={name}" for name in optimizers),
    ]


def ratio(case: Case, choice: str, times: int) -> dict[str, float]:
    """One choice's time over Adam's, in pairs of measurements."""
    with_it = replace(case, overrides=[*case.overrides, *BASE, choice])
    without = replace(case, overrides=[*case.overrides, *BASE])
    pairs = [(by_trainer(with_it), by_trainer(without)) for _ in range(times)]
    return spread([mine / adams for mine, adams in pairs])


COLUMNS = {
    name: column(case.name, digits=1) for name, case in zip(("mlp", "dcgan"), SHORT, strict=True)
}


def main() -> None:
    """Print the table, and write it."""
    arguments = options(__doc__, 3)
    rows = {}
    print(f"{'times alternating Adam':<42}" + "".join(f"{case.name:>28}" for case in SHORT))
    for choice in choices():
        cases = SHORT[:1] if choice == SMALL_ONLY else SHORT
        found = [ratio(case, choice, arguments.repetitions) for case in cases]
        values = "".join(f"{value['median']:>28.2f}" for value in found)
        print(f"{choice:<42}{values}", flush=True)
        rows[f"`{choice}`"] = dict(zip(COLUMNS, found, strict=False))
    write(
        arguments.json,
        title="What update rules cost",
        head="times as long as alternating Adam",
        columns=COLUMNS,
        rows=rows,
        repetitions=arguments.repetitions,
        threads=arguments.threads,
    )


if __name__ == "__main__":
    main()
