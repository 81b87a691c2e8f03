"""Learning by a game: one or several discriminators against a generator."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from course_lib.runtime import check_index
from course_lib.training.averaging import Rule
from course_lib.training.steps.base import Batch, Schedule, Step, size_of


class AdversarialStep(Step):
    """Moves of the discriminators, each on examples of its own, then one move of the generator (Goodfellow et al. 2014, alg. 1).

    The model says who plays (`AdversarialModel` in course_lib.models.protocols): `players` gives name -> module in the order
    of the moves, the generator last, and `player_loss(name, batch, generator=…)` gives the mean loss, (), of one of them. A
    player moves its own parameters only. A player may be several networks, such as both generators of a CycleGAN in one
    nn.ModuleList. A model's `after_move(name)`, where there is one, is called after every move, such as for clipping parameters.

    A batch is cut into `discriminator_steps` parts, and every round of the discriminators sees one part; the generator sees
    the last part. So make batches `discriminator_steps` times as large as one move needs. Where a batch has fewer
    examples than that, there are as many rounds as examples.

    Args:
        model: as above; its batch is a tensor (B, …) or a tuple of tensors of equal length, such as two unpaired sets.
        optimisers: by player; None makes Adam for each.
        lr, betas: of those Adams, for all alike or by player: lr={"critic": 4e-4, "generator": 1e-4}.
        discriminator_steps: rounds of the discriminators before each move of the generator.
        schedule, clip, precision, seed: see `Step`; clip bounds the gradient of each player separately.
        averaging: see `Step`; the generator alone is averaged, with the statistics of its batch normalisation.
    """

    can_spread = True

    def __init__(
        self,
        model: nn.Module,
        optimisers: Mapping[str, Optimizer] | None = None,
        *,
        lr: float | Mapping[str, float] = 2e-4,
        betas: tuple[float, float] | Mapping[str, tuple[float, float]] = (0.5, 0.999),
        discriminator_steps: int = 1,
        schedule: Schedule | None = None,
        clip: float | None = None,
        precision: str = "float32",
        averaging: Rule | None = None,
        seed: int = 0,
    ):
        players = dict(model.players)
        if len(players) < 2:
            raise ValueError(f"model.players is {list(players)}; expected at least one discriminator, then the generator")
        if optimisers is None:
            rates, betas = _by_player(lr, players, "lr"), _by_player(betas, players, "betas")
            optimisers = {name: Adam(p.parameters(), lr=rates[name], betas=betas[name]) for name, p in players.items()}
        _check_optimisers(optimisers, players)
        self.generator_name = list(players)[-1]
        super().__init__(
            model,
            optimisers,
            seed=seed,
            schedule=schedule,
            clip=clip,
            precision=precision,
            averaging=averaging,
            part=lambda whole: whole.players[self.generator_name],
        )
        self.discriminator_steps = check_index(discriminator_steps, "discriminator_steps", 1)

    def losses(self) -> dict[str, tuple[nn.Module, Callable[..., Tensor]]]:
        return {name: (player, partial(self.model.player_loss, name)) for name, player in self.model.players.items()}

    def move(self, batch: Batch) -> dict[str, Tensor]:
        """One round of the game; the mean loss of each player over its moves, named "<player>_loss"."""
        parts = _parts(batch, self.discriminator_steps)
        losses: dict[str, list[Tensor]] = {name: [] for name in self.model.players}
        for part in parts:
            for name in self.model.players:
                if name != self.generator_name:
                    losses[name].append(self._turn(name, part))
        losses[self.generator_name].append(self._turn(self.generator_name, parts[-1]))
        return {f"{name}_loss": torch.stack(values).mean() for name, values in losses.items()}

    def _turn(self, name: str, batch: Batch) -> Tensor:
        """One player's move; the parameters of the others need no gradient meanwhile."""
        with _frozen(self.model, self.model.players[name]):
            loss = self.descend(name, batch, [name])
        if hasattr(self.model, "after_move"):
            self.model.after_move(name)
        return loss


def _by_player(value: Any, players: Mapping[str, nn.Module], argument: str) -> dict[str, Any]:
    """The value of each player, given one for all or one for each."""
    if not isinstance(value, Mapping):
        return dict.fromkeys(players, value)
    if set(value) != set(players):
        raise ValueError(f"{argument} is given for {sorted(value)}; expected one for each of the players {list(players)}")
    return dict(value)


def _check_optimisers(optimisers: Mapping[str, Optimizer], players: Mapping[str, nn.Module]) -> None:
    """ValueError unless every player has an optimiser, over its own parameters and no other's."""
    if set(optimisers) != set(players):
        raise ValueError(f"optimisers are given for {sorted(optimisers)}; expected one for each of the players {list(players)}")
    for name, player in players.items():
        held = {id(p) for group in optimisers[name].param_groups for p in group["params"]}
        if not held <= {id(p) for p in player.parameters()}:
            raise ValueError(f"the optimiser of {name!r} holds parameters of another player; expected those of players[{name!r}]")


def _parts(batch: Batch, count: int) -> list[Batch]:
    """The batch cut into so many parts of nearly equal size, in order; fewer where it has fewer examples."""
    count = max(1, min(count, size_of(batch)))
    if isinstance(batch, Tensor):
        return list(batch.tensor_split(count))
    return list(zip(*(part.tensor_split(count) for part in batch), strict=True))


@contextmanager
def _frozen(model: nn.Module, player: nn.Module) -> Iterator[None]:
    """Within, no parameter of the model but this player's needs a gradient."""
    own = {id(p) for p in player.parameters()}
    others = [p for p in model.parameters() if p.requires_grad and id(p) not in own]
    for parameter in others:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in others:
            parameter.requires_grad_(True)
