"""CycleGAN: translation between two sets of examples of which no pair is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib.models.adversarial.arguments import check_object
from course_lib.models.adversarial.objectives import LeastSquares, Objective
from course_lib.models.inputs import as_parameters, check_event_shape, check_events, check_list, check_some, check_weight
from course_lib.models.pairs import check_pair

SIDES = ("a", "b")


class CycleGAN(nn.Module):
    """Two generators, a -> b and b -> a, each with a discriminator, tied together by a cycle (Zhu et al. 2017).

    It is no GenerativeModel: it draws nothing, and only translates what it is given.

    Both generators are one player, which makes small, as a mean over the batch,

        game(b') + game(a') + cycle (|a'' - a| + |b'' - b|) + identity (|to_b(b) - b| + |to_a(a) - a|)

    with b' = to_b(a), a'' = to_a(b') and so on; |.| is the mean absolute difference per value (eqs. 1-3 and section 5.2).

    Args:
        to_a, to_b: modules; to_b translates examples of the set a into examples of the set b.
        discriminator_a, discriminator_b: modules that give logits of any shape (B, ...), such as one per patch.
        event_shapes: the shapes of one example of a and of one of b.
        cycle, identity: the two weights; an identity weight above 0 needs two sets of one shape.
        objective: of the two games (models/adversarial/objectives.py); None takes least squares, as in the paper.
    """

    def __init__(
        self,
        *,
        to_a: nn.Module,
        to_b: nn.Module,
        discriminator_a: nn.Module,
        discriminator_b: nn.Module,
        event_shapes: Sequence[Sequence[int]],
        cycle: float = 10.0,
        identity: float = 0.0,
        objective: Objective | None = None,
    ):
        super().__init__()
        if len(check_list(event_shapes, "event_shapes", "two shapes, one of a and one of b")) != 2:
            raise ValueError(f"event_shapes are {event_shapes!r}; expected two shapes, one of a and one of b")
        self.event_shapes = [check_event_shape(shape) for shape in event_shapes]
        self.cycle, self.identity = check_weight(cycle, "cycle"), check_weight(identity, "identity")
        if self.identity and self.event_shapes[0] != self.event_shapes[1]:
            raise ValueError(
                f"identity is {identity!r} and the shapes are {event_shapes!r}; expected equal shapes: a generator can leave an "
                "example as it is only where both sets have one shape; set identity=0.0"
            )
        self.objective = check_object(objective, Objective, "objective", "LeastSquares()") or LeastSquares()
        self.to_a, self.to_b = to_a, to_b
        self.discriminator_a, self.discriminator_b = discriminator_a, discriminator_b

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {
            "discriminator_a": self.discriminator_a,
            "discriminator_b": self.discriminator_b,
            "generators": nn.ModuleList([self.to_a, self.to_b]),
        }

    def translate(self, x: Tensor, *, to: str) -> Tensor:
        """Examples x of one set, (B, ...), translated into the other set, `to` "a" or "b"; differentiable."""
        if to not in SIDES:
            raise ValueError(f"to is {to!r}; expected 'a' or 'b', the set to translate into")
        x = self._checked(x, "a" if to == "b" else "b")
        return self.to_a(x) if to == "a" else self.to_b(x)

    def there_and_back(self, x: Tensor, *, to: str) -> tuple[Tensor, Tensor]:
        """x translated into the set `to`, and that translated back: two batches."""
        there = self.translate(x, to=to)
        return there, self.translate(there, to="a" if to == "b" else "b")

    def player_loss(self, name: str, x: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """The mean loss, (), of one of the players on a batch of a and a batch of b, which form no pairs."""
        a, b = (self._checked(part, side) for part, side in zip(check_pair(x, "of a and of b"), SIDES, strict=True))
        if name == "generators":
            return sum(self.terms(a, b).values())
        if name not in self.players:
            raise ValueError(f"no player is called {name!r}; expected one of {list(self.players)}")
        side, real, other = ("a", a, b) if name == "discriminator_a" else ("b", b, a)
        with torch.no_grad():
            fake = self.translate(other, to=side)
        return self.objective.discriminator_loss(self.judge(real, side), self.judge(fake, side))

    def terms(self, a: Tensor, b: Tensor) -> dict[str, Tensor]:
        """What the generators make small, in its parts, each (): the game, and cycle and identity with their weights."""
        (fake_b, again_a), (fake_a, again_b) = self.there_and_back(a, to="b"), self.there_and_back(b, to="a")
        terms = {
            "game": self._game(b, fake_b, "b") + self._game(a, fake_a, "a"),
            "cycle": self.cycle * ((again_a - a).abs().mean() + (again_b - b).abs().mean()),
        }
        if self.identity:
            kept = (self.to_b(b) - b).abs().mean() + (self.to_a(a) - a).abs().mean()
            terms["identity"] = self.identity * kept
        return terms

    def _checked(self, x: Tensor, side: str) -> Tensor:
        """x if it is at least one example of this set."""
        return as_parameters(check_some(check_events(x, self.event_shapes[SIDES.index(side)])), self)

    def judge(self, x: Tensor, side: str) -> Tensor:
        """The logits of the discriminator of this side, "a" or "b"."""
        return self.discriminator_a(x) if side == "a" else self.discriminator_b(x)

    def _game(self, real: Tensor, fake: Tensor, side: str) -> Tensor:
        """The generator's loss in the game of one side."""
        seen = self.judge(real, side) if self.objective.needs_real else None
        return self.objective.generator_loss(seen, self.judge(fake, side))
