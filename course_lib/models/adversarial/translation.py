"""Translation between two kinds of images, learnt from pairs (pix2pix)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib.models.adversarial.arguments import check_object
from course_lib.models.adversarial.conditional import Given
from course_lib.models.adversarial.gan import GAN
from course_lib.models.adversarial.objectives import NonSaturating, Objective
from course_lib.models.inputs import as_parameters, check_count, check_event_shape, check_events, check_some, check_weight
from course_lib.models.pairs import check_pair
from course_lib.runtime import standard_normal


class GivenInput(Given):
    """As `Given`, for a network that takes its condition first: noise -> network(input, noise)."""

    def forward(self, batch: Tensor) -> Tensor:
        """(B, noise) -> (B, *event_shape)."""
        return self.network(self.rows(len(batch)), batch)


class PairedTranslator(nn.Module):
    """From an image to an image, learnt from pairs: near the true partner, and a pair that looks real (Isola et al. 2017).

    The generator makes `adversarial` times the objective's loss plus `l1` times the mean absolute error small (eq. 4); the
    discriminator sees the input beside the output. With adversarial = 0 there is no game: `loss` alone is trained.

    Args:
        generator: a module, inputs (B, *input_shape) and noise (B, noise) -> outputs (B, *event_shape).
        discriminator: a module, outputs and inputs -> logits (B, …), such as one per patch; None where there is no game.
        input_shape, event_shape: the shapes of an input and of an output. noise: length of the noise vector.
        adversarial, l1: the weights of the two parts.
        objective: as in `GAN`; None is the non-saturating loss.
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module | None = None,
        input_shape: Sequence[int],
        event_shape: Sequence[int],
        noise: int,
        adversarial: float = 1.0,
        l1: float = 100.0,
        objective: Objective | None = None,
    ):
        super().__init__()
        self.input_shape, self.event_shape = check_event_shape(input_shape), check_event_shape(event_shape)
        self.noise = check_count(noise, "noise")
        self.adversarial, self.l1 = check_weight(adversarial, "adversarial"), check_weight(l1, "l1")
        if not self.adversarial + self.l1:
            raise ValueError("adversarial and l1 are both 0; expected at least one of them above 0: nothing would be learnt")
        self.objective = check_object(objective, Objective, "objective", "NonSaturating()") or NonSaturating()
        self.generator, self.discriminator = generator, discriminator

    @property
    def players(self) -> Mapping[str, nn.Module]:
        if self.discriminator is None:
            raise ValueError("there is no discriminator; expected a game: pass one, or train `loss` alone")
        return {"discriminator": self.discriminator, "generator": self.generator}

    def given(self, x: Tensor) -> GAN:
        """p(output | x), an ordinary GAN. x: one input (1, *input_shape) for all examples, or one for each."""
        x = as_parameters(check_events(x, self.input_shape), self)
        judge = self.discriminator
        return GAN(
            generator=GivenInput(network=self.generator, condition=x),
            discriminator=None if judge is None else Given(network=judge, condition=x),
            event_shape=self.event_shape, noise=self.noise, objective=self.objective,
        )  # fmt: skip

    @torch.no_grad()
    def translate(self, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """One output (B, *event_shape) for each input x (B, *input_shape), each with noise of its own."""
        return self.given(x).sample(len(x), generator=generator)

    def player_loss(self, name: str, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """The mean loss, (), of "discriminator" or "generator" on pairs: inputs (B, *input_shape), outputs (B, *event_shape)."""
        x, y = self._pair(batch)
        if name != "generator":
            return self.given(x).player_loss(name, y, generator=generator)
        fake = self._translated(x, generator)
        real_logits = self.discriminator(y, x) if self.objective.needs_real else None
        game = self.objective.generator_loss(real_logits, self.discriminator(fake, x))
        return self.adversarial * game + self.l1 * (fake - y).abs().mean()

    def loss(self, batch: tuple[Tensor, Tensor], *, generator: torch.Generator | None = None) -> Tensor:
        """The mean absolute error per value, (), of one output for each input of the pairs; the game plays no part."""
        x, y = self._pair(batch)
        return (self._translated(x, generator) - y).abs().mean()

    def _pair(self, batch: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor]:
        """Inputs and as many outputs, at least one."""
        x, y = check_pair(batch, "inputs (B, …) and outputs (B, …)")
        x, y = check_some(check_events(x, self.input_shape)), check_events(y, self.event_shape)
        if len(x) != len(y):
            raise ValueError(f"there are {len(x)} inputs and {len(y)} outputs; expected an output for each input")
        return as_parameters(x, self), as_parameters(y, self)

    def _translated(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        return self.generator(check_events(x, self.input_shape), standard_normal((len(x), self.noise), x, generator))
