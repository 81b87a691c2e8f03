"""The generative adversarial network: a generator that makes examples of noise, and a discriminator that tells them from data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from course_lib.models.adversarial.arguments import check_object
from course_lib.models.adversarial.objectives import NonSaturating, Objective
from course_lib.models.adversarial.penalties import Penalty
from course_lib.models.inputs import check_count, check_event_shape, check_number, check_some, check_weight
from course_lib.models.protocols import AdversarialModel
from course_lib.runtime import standard_normal


class GAN(AdversarialModel):
    """A generator against a discriminator (Goodfellow et al. 2014). Its parts are objects, so that each can be exchanged.

    Args:
        generator: a module, noise (B, noise) -> examples (B, *event_shape).
        discriminator: a module, examples -> logits (B,); for the Wasserstein objective, the critic's values.
        event_shape: the shape of one example.
        noise: length of the noise vector z, which is standard normal.
        objective: both losses (models/adversarial/objectives.py).
        penalty: on the discriminator's slope (models/adversarial/penalties.py); None adds nothing.
        instance_noise: standard deviation of Gaussian noise added to everything that the discriminator sees in training
            (Sønderby et al. 2017).
        one_batch: the discriminator's move sees real and made examples as one batch instead of two. Batch normalisation then
            shares its statistics between both kinds, but the generator's move still shows it made examples alone.
        clip: after each of its moves, the discriminator's parameters are cut to [-clip, clip] (Arjovsky et al. 2017, alg. 1).
    """

    def __init__(
        self,
        *,
        generator: nn.Module,
        discriminator: nn.Module,
        event_shape: Sequence[int],
        noise: int,
        objective: Objective | None = None,
        penalty: Penalty | None = None,
        instance_noise: float = 0.0,
        one_batch: bool = False,
        clip: float | None = None,
    ):
        super().__init__()
        self.event_shape, self.noise = check_event_shape(event_shape), check_count(noise, "noise")
        self.objective = check_object(objective, Objective, "objective", "NonSaturating()") or NonSaturating()
        self.penalty = check_object(penalty, Penalty, "penalty", "ZeroCentred()")
        self.instance_noise = check_weight(instance_noise, "instance_noise")
        self.one_batch = one_batch
        self.clip = None if clip is None else check_number(clip, "clip", "the largest absolute value of a parameter", above=0)
        self.generator, self.discriminator = generator, discriminator

    @property
    def players(self) -> Mapping[str, nn.Module]:
        return {"discriminator": self.discriminator, "generator": self.generator}

    def draw_noise(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        """n vectors of standard normal noise z, (n, noise), on the model's device."""
        return standard_normal((check_count(n), self.noise), next(self.parameters()), generator)

    def generate(self, z: Tensor) -> Tensor:
        return self.generator(z)

    @torch.no_grad()
    def sample(self, n: int, *, generator: torch.Generator | None = None) -> Tensor:
        return self.generate(self.draw_noise(n, generator=generator))

    def player_loss(self, name: str, x: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
        """The mean loss, (), of "discriminator" or "generator" on real examples x (B, *event_shape)."""
        real = check_some(self.check(x))
        z = self.draw_noise(len(x), generator=generator)
        if name == "generator":
            fake_logits = self._judge(self.generate(z), generator)
            real_logits = self._judge(real, generator) if self.objective.needs_real else None
            return self.objective.generator_loss(real_logits, fake_logits)
        if name != "discriminator":
            raise ValueError(f"no player is called {name!r}; expected one of {list(self.players)}")
        with torch.no_grad():
            fake = self.generate(z)
        if self.penalty is not None:
            real, fake = real.detach().requires_grad_(True), fake.requires_grad_(True)
        if self.one_batch:
            real_logits, fake_logits = self._judge(torch.cat([real, fake]), generator).split(len(real))
        else:
            real_logits, fake_logits = self._judge(real, generator), self._judge(fake, generator)
        given = {"generator": generator} if self.objective.draws else {}
        loss = self.objective.discriminator_loss(real_logits, fake_logits, **given)
        if self.penalty is None:
            return loss
        return loss + self.penalty(self.discriminator, real, fake, real_logits, fake_logits, generator=generator)

    def _judge(self, x: Tensor, generator: torch.Generator | None) -> Tensor:
        """The discriminator's logits (B,), with instance noise where there is any."""
        if self.instance_noise:
            x = x + self.instance_noise * standard_normal(x.shape, x, generator)
        return self.discriminator(x)

    @torch.no_grad()
    def after_move(self, name: str) -> None:
        """What the step calls after each move of a player: clipping of the discriminator's parameters."""
        if name == "discriminator" and self.clip is not None:
            for parameter in self.discriminator.parameters():
                parameter.clamp_(-self.clip, self.clip)
