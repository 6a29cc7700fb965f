"""What a search may change: Hydra's grammar of sweeps, read as Optuna's distributions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override, Transformer

from ganzoo.errors import InputError


@dataclass
class SearchSpace:
    """Settings with a distribution each, and settings that are the same in every run.

    Attributes:
        distributions: Of Optuna, by the setting's name.
        fixed: Overrides, by the setting's name.
    """

    distributions: dict[str, Any] = field(default_factory=dict)
    fixed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, optuna: ModuleType, overrides: Sequence[str], loader: Any) -> "SearchSpace":
        """Read overrides, of which a later one takes the place of an earlier one.

        ``choice(a, b)`` or ``a,b``, ``interval(0, 1)``, ``range(1, 9)`` (without its end, as in
        every sweep of Hydra), each also in ``tag(log, ...)``, are searched.

        Args:
            optuna: The package.
            overrides: In Hydra's grammar, such as ``"seed=3"`` or ``"lr=interval(0, 1)"``.
            loader: Hydra's, which finds the choices of a ``glob(*)``.

        Raises:
            InputError: if a range is empty or cannot be searched.
        """
        space = cls()
        for override in OverridesParser.create(config_loader=loader).parse_overrides(
            list(overrides)
        ):
            name = override.get_key_element()
            for earlier in (space.distributions, space.fixed):
                for same in [each for each in earlier if each.lstrip("+") == name.lstrip("+")]:
                    del earlier[same]
            if override.is_sweep_override():
                space.distributions[name] = _distribution(optuna, override)
            else:
                space.fixed[name] = str(override.input_line)
        return space

    def overrides(self, values: Mapping[str, Any]) -> list[str]:
        """The overrides of a run.

        Args:
            values: Of the settings that are searched, by name.
        """
        return [*self.fixed.values(), *(f"{name}={value}" for name, value in values.items())]

    def examples(self) -> Iterator[dict[str, Any]]:
        """Values to try whether a run can be composed: each choice of a group, then the first."""
        first = {name: _first(found) for name, found in self.distributions.items()}
        for name, found in self.distributions.items():
            if "." not in name.partition("@")[0]:
                for value in getattr(found, "choices", ())[1:]:
                    yield first | {name: value}
        yield first

    def described(self, optuna: ModuleType) -> dict[str, str]:
        """The distributions as text, to compare."""
        describe = optuna.distributions.distribution_to_json
        return {name: describe(found) for name, found in sorted(self.distributions.items())}


def _first(distribution: Any) -> Any:
    return distribution.choices[0] if hasattr(distribution, "choices") else distribution.low


def _distribution(optuna: ModuleType, override: Override) -> Any:
    try:
        if override.is_interval_sweep():
            return _interval(optuna.distributions, override.value())
        if override.is_range_sweep() and not getattr(override.value(), "shuffle", False):
            return _range(optuna.distributions, override.value())
        choices = list(override.sweep_iterator(transformer=Transformer.encode))
        return optuna.distributions.CategoricalDistribution(choices)
    except ValueError as error:
        reason = str(error).splitlines()[0]
        raise InputError(f"cannot search {override.input_line}: {reason}") from error


def _interval(distributions: Any, value: Any) -> Any:
    whole = isinstance(value.start, int) and isinstance(value.end, int)
    kind = distributions.IntDistribution if whole else distributions.FloatDistribution
    return kind(value.start, value.end, log="log" in value.tags)


def _range(distributions: Any, value: Any) -> Any:
    found = sorted(value.range())
    if not found:
        raise ValueError("the range is empty")
    whole = all(isinstance(each, int) for each in found)
    kind = distributions.IntDistribution if whole else distributions.FloatDistribution
    step = {} if "log" in value.tags else {"step": abs(value.step)}
    return kind(found[0], found[-1], log="log" in value.tags, **step)
