"""Players of the game: who owns which parameters, and what each one minimises."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import NamedTuple

import torch
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer

from ganzoo.errors import InputError, described

Terms = dict[str, Tensor]
"""Named scalar terms of an objective; the objective is their sum."""


class Share(NamedTuple):
    """The real data of one update.

    Attributes:
        data: Real samples ``[B, C, H, W]`` or ``[B, D]``.
        labels: Their classes ``[B]``, int64, or None.
        update: How many updates the player has made before this one.
    """

    data: Tensor
    labels: Tensor | None
    update: int

    def parts(self, count: int) -> list["Share"]:
        """Cut the share into parts that pass through the networks one after another."""
        if count == 1:
            return [self]
        return [part._replace(update=self.update) for part in split(self.data, self.labels, count)]


@dataclass(frozen=True, kw_only=True)
class Player:
    """One player: its name, its network, its objective and its updates in one iteration.

    Attributes:
        name: Prefix of its logged terms and key of its optimizer.
        network: The module whose parameters it moves.
        objective: From the real data of one update to the terms it minimises.
        steps: Updates in one iteration of the game.
    """

    name: str
    network: nn.Module
    objective: Callable[[Share], Terms]
    steps: int

    def parameters(self) -> list[nn.Parameter]:
        """The parameters that this player moves."""
        return [parameter for parameter in self.network.parameters() if parameter.requires_grad]


class Opponents:
    """Everybody but the player whose turn it is.

    While a player updates, the networks of the others take part in its objective but do not
    change: neither gradients nor running statistics (batch normalisation, the power iteration of
    spectral normalisation) reach them.

    Args:
        player: The player whose turn it is; what it shares with others stays free.
        players: All players.
    """

    def __init__(self, player: Player, players: Sequence[Player]) -> None:
        own = {id(tensor) for tensor in (*player.parameters(), *player.network.buffers())}
        others = [other for other in players if other is not player]
        parameters = {id(p): p for other in others for p in other.parameters()}
        buffers = {id(b): b for other in others for b in other.network.buffers()}
        self._parameters = [p for key, p in parameters.items() if key not in own]
        self._buffers = [b for key, b in buffers.items() if key not in own]
        self._places = [
            (module, name)
            for each in players
            for module in each.network.modules()
            for name, buffer in module.named_buffers(recurse=False)
        ]

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Leave the opponents exactly as they are for the time of the block."""
        before = [buffer.clone() for buffer in self._buffers]
        for parameter in self._parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in self._parameters:
                parameter.requires_grad_(True)
            if before:
                with torch.no_grad():
                    torch._foreach_copy_(self._buffers, before)

    @contextmanager
    def on_copies(self) -> Iterator[None]:
        """Let everybody's running statistics change on copies; only the player's own stay changed.

        Gradients may reach everybody, and a graph that has saved the statistics can still be
        differentiated after they have changed.
        """
        theirs = {id(buffer) for buffer in self._buffers}
        before = [(module, name, getattr(module, name)) for module, name in self._places]
        for module, name, buffer in before:
            setattr(module, name, buffer.clone())
        try:
            yield
        finally:
            for module, name, buffer in before:
                changed = getattr(module, name)
                setattr(module, name, buffer)
                if id(buffer) not in theirs:
                    buffer.copy_(changed.detach())


@dataclass(frozen=True, kw_only=True)
class Turn:
    """A player at its turn: what it moves, with what, and who holds still meanwhile.

    Attributes:
        player: The player.
        parameters: Its parameters.
        optimizer: Lightning's wrapper of its optimizer.
        opponents: Everybody else.
    """

    player: Player
    parameters: list[nn.Parameter]
    optimizer: LightningOptimizer
    opponents: Opponents


def optimizers_of(
    players: Sequence[Player], factories: Mapping[str, Callable[..., Optimizer]]
) -> list[Optimizer]:
    """Make each player's optimizer.

    Args:
        players: The players.
        factories: For each player's name, a function from parameters to an optimizer.

    Raises:
        InputError: if a player has none, or what the optimizer says of wrong settings.
    """
    missing = {player.name for player in players} - set(factories)
    if missing:
        raise InputError(f"no optimizer for {' and '.join(sorted(missing))}: set optimizers")
    return [_optimizer_of(player, factories[player.name]) for player in players]


def _optimizer_of(player: Player, factory: Callable[..., Optimizer]) -> Optimizer:
    parameters = player.parameters()
    if not parameters:
        raise InputError(f"the {player.name} has no weights to train: call model.unfreeze()")
    try:
        made = factory(parameters)
    except (TypeError, ValueError) as error:
        raise InputError(f"the optimizer of the {player.name}: {error}") from error
    if not isinstance(made, Optimizer):
        raise InputError(
            f"the optimizer of the {player.name}: what its function makes is {described(made)}"
        )
    return made


def seat(players: Sequence[Player], optimizers: Sequence[LightningOptimizer]) -> dict[str, Turn]:
    """The turns of the game by their players' names, in the players' order."""
    return {
        player.name: Turn(
            player=player,
            parameters=player.parameters(),
            optimizer=optimizer,
            opponents=Opponents(player, players),
        )
        for player, optimizer in zip(players, optimizers, strict=True)
    }


def rounds(
    turns: Iterable[Turn], shares: Sequence[Share], iteration: int
) -> list[list[tuple[Turn, Share]]]:
    """Deal the real data of one iteration out to the rounds of its updates.

    Who has fewer steps than others plays in the last rounds, so that everybody plays in the last.

    Args:
        turns: The turns in their order.
        shares: One share of the data for each round.
        iteration: Iterations before this one.

    Returns:
        For each round the turns that are played in it, each with its share and update number.
    """
    played: list[list[tuple[Turn, Share]]] = [[] for _ in shares]
    for turn in turns:
        steps = turn.player.steps
        for update in range(steps):
            place = len(shares) - steps + update
            share = shares[place]._replace(update=iteration * steps + update)
            played[place].append((turn, share))
    return played


def split(data: Tensor, labels: Tensor | None, shares: int) -> list[Share]:
    """Split the batch of one iteration into the real data of its updates.

    Args:
        data: Real samples ``[B, ...]`` with B of at least ``shares``.
        labels: Their classes ``[B]``, or None.
        shares: Number of updates that need data of their own.
    """
    label_shares = [None] * shares if labels is None else labels.tensor_split(shares)
    pairs = zip(data.tensor_split(shares), label_shares, strict=True)
    return [Share(part, marks, 0) for part, marks in pairs]
