"""Numbers that the authors' own code computed, and how far ours may be from them.

A case is ``NAME.json`` (settings in words, tolerances, sums in float64) and ``NAME.safetensors``
(weights, inputs, expected numbers under the authors' names). They lie in the folder
``GANZOO_REFERENCE``, else in ``../shared/reference/networks``; where there is none, the tests that
need them are skipped.
"""

import json
import os
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from ganzoo.foreign_weights.names import Table, our_name, translated

DEFAULT = Path(__file__).parents[3] / "shared" / "reference" / "networks"
FOLDER = Path(os.environ.get("GANZOO_REFERENCE") or DEFAULT)
KINDS = ("output", "loss", "penalty", "gradient", "state_after")
# Of the authors' own difference between float32 and float64, which another order of sums exceeds.
TIMES = 10
RELATIVE = 1e-9  # of the sums in float64
# Of the largest number of the same kind: what is 0 by algebra comes out so far from it.
ROUNDINGS = 64


class Case:
    """One case.

    Attributes:
        name: Of its files.
        description: All of its JSON.
        configuration: The settings, in the authors' words.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.stem
        self.description = json.loads(path.read_text())
        self.configuration: dict = self.description.get("configuration", {})
        self._tensors = path.with_suffix(".safetensors")

    @cached_property
    def tensors(self) -> dict[str, Tensor]:
        """All stored tensors, as they are stored; none where the case has numbers only."""
        stored = pytest.importorskip("safetensors.torch")
        return stored.load_file(self._tensors) if self._tensors.exists() else {}

    @property
    def expected(self) -> set[str]:
        """The names of all that is to be computed."""
        return {name for name in self.tensors if name.split(".")[0] in KINDS}

    def inputs(self, dtype: torch.dtype) -> dict[str, Tensor]:
        """The inputs by name, floating ones in a precision."""
        return self._under("input.", dtype)

    def weights(self, dtype: torch.dtype, network: str = "") -> dict[str, Tensor]:
        """The state of a network under the authors' names.

        Args:
            dtype: The precision of what floats.
            network: Its name where the case has several.
        """
        return self._under(f"weights.{network}." if network else "weights.", dtype)

    def check(self, found: Mapping[str, Tensor], of: Callable[[str], bool] | None = None) -> None:
        """Compare all that is expected with what was computed from the stored inputs.

        float32 is compared entry by entry, with ten times the authors' own difference to float64;
        float64 as well, and its sums to 1e-9. Whole numbers are equal.

        Args:
            found: The numbers under the names of the files.
            of: Says of which names, where it is not all of them.

        Raises:
            AssertionError: if one is missing, or too far from the authors'.
        """
        expected = self.expected if of is None else set(filter(of, self.expected))
        assert found.keys() == expected and expected, sorted(found.keys() ^ expected)
        for name, value in found.items():
            assert value.shape == self.tensors[name].shape, name
            self._check_entries(name, value)
            if value.dtype == torch.float64:
                self._check_sums(name, value)

    def _under(self, prefix: str, dtype: torch.dtype) -> dict[str, Tensor]:
        return {
            name.removeprefix(prefix): value.to(dtype) if value.is_floating_point() else value
            for name, value in self.tensors.items()
            if name.startswith(prefix)
        }

    def _check_entries(self, name: str, value: Tensor) -> None:
        expected = self.tensors[name]
        if not expected.is_floating_point():
            assert torch.equal(value, expected), name
            return
        far = (value.double() - expected.double()).abs().max()
        allowed = self._relative(name) * _largest(expected) + self._rounding(name, torch.float32)
        assert far <= allowed, f"{name}: {far:.2e} from the authors', allowed are {allowed:.2e}"

    def _check_sums(self, name: str, value: Tensor) -> None:
        expected = torch.tensor(self.description["float64_checks"][name], dtype=torch.float64)
        size, noise = value.numel(), self._rounding(name, torch.float64)
        norm = (size * expected[1]).sqrt()
        allowed = torch.stack([norm, expected[1], norm]) * RELATIVE
        allowed += size * torch.tensor([noise, noise**2, noise], dtype=torch.float64)
        far = (_sums(value) - expected).abs()
        assert bool((far <= allowed).all()), f"{name}: {far.tolist()} > {allowed.tolist()}"

    def _relative(self, name: str) -> float:
        differences = self.description["float32_against_float64"][name.split(".")[0]]
        return TIMES * differences["max_difference_relative_to_largest_entry_of_the_tensor"]

    def _rounding(self, name: str, dtype: torch.dtype) -> float:
        kind = name.split(".")[0]
        alike = [other for other in self.expected if other.split(".")[0] == kind]
        largest = max(_largest(self.tensors[other]) for other in alike)
        return ROUNDINGS * torch.finfo(dtype).eps * largest if self._relative(name) else 0.0


def cases(*patterns: str, of: Callable[[Case], bool] = lambda case: True) -> list:
    """The cases whose names match a pattern, as parameters of a test.

    Args:
        patterns: Of file names without endings, as ``"patchgan_*"``.
        of: Says which of them the test is for.

    Returns:
        A parameter for each, or one that is skipped where there is none.
    """
    paths = sorted({path for pattern in patterns for path in FOLDER.glob(f"{pattern}.json")})
    found = [case for case in map(Case, paths) if of(case)]
    if not found:
        reason = f"no case {' or '.join(patterns)} in {FOLDER}: set GANZOO_REFERENCE"
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case.name) for case in found]


def count_rows(family: str) -> list:
    """The rows of counts.json of one family, as parameters of a test."""
    path = FOLDER / "counts.json"
    rows = json.loads(path.read_text())["rows"] if path.exists() else []
    found = [row for row in rows if row["family"] == family]
    if not found:
        return [pytest.param(None, id="none", marks=pytest.mark.skip(reason=f"no {path}"))]
    return [pytest.param(row, id=row["configuration"]) for row in found]


def load(
    network: nn.Module,
    weights: Mapping[str, Tensor],
    table: Table,
    without: Mapping[str, Tensor] | None = None,
) -> nn.Module:
    """Give a network the authors' weights and buffers, all of them and in their precision.

    Args:
        network: Ours.
        weights: By the authors' names.
        table: Translates them.
        without: What the authors do without, by our names: of that their state has no say.
    """
    state = {**(without or {}), **translated(weights, table)}
    network.to(next(value.dtype for value in weights.values() if value.is_floating_point()))
    network.load_state_dict(state)
    return network


def state_after(
    case: Case, moment: str, network: nn.Module, table: Table, prefix: str = ""
) -> dict[str, Tensor]:
    """What a case expects of a network's state after a moment, as the network has it now.

    Args:
        case: Names the parameters and buffers.
        moment: As in ``state_after.MOMENT.NAME``.
        network: Ours.
        table: Translates the names.
        prefix: Of the names, where the case has several networks, as ``"D."``.
    """
    whole = f"state_after.{moment}.{prefix}"
    ours = network.state_dict()
    return {
        name: ours[our_name(name.removeprefix(whole), table)].clone()
        for name in case.expected
        if name.startswith(whole)
    }


def gradients(
    case: Case, term: str, network: nn.Module, table: Table, value: Tensor
) -> dict[str, Tensor]:
    """The gradient of a value by those of a network's parameters that a case names.

    Args:
        case: Names them as ``gradient.TERM.PARAMETER``.
        term: As it stands there.
        network: Ours.
        table: Translates the names.
        value: A scalar that depends on the network.
    """
    whole = f"gradient.{term}."
    names = sorted(name for name in case.expected if name.startswith(whole))
    ours = dict(network.named_parameters())
    parameters = [ours[our_name(name.removeprefix(whole), table)] for name in names]
    if not names:
        return {}
    found = torch.autograd.grad(
        value, parameters, retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return dict(zip(names, found, strict=True))


def _largest(value: Tensor) -> float:
    return value.double().abs().max().item() if value.numel() else 0.0


def _sums(value: Tensor) -> Tensor:
    entries = value.detach().flatten()
    places = torch.arange(1, len(entries) + 1, dtype=torch.float64) / len(entries)
    return torch.stack([entries.sum(), entries.square().sum(), (entries * places).sum()])
