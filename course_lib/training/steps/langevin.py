"""Learning of an energy by Langevin chains that are kept in a buffer."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Adam, Optimizer

from course_lib.models.energy.langevin import langevin
from course_lib.runtime import check_index, standard_normal, uniform
from course_lib.training.averaging import Rule
from course_lib.training.steps.base import Schedule, Step


class LangevinStep(Step):
    """Lowers the energy of data, raises that of examples from Langevin chains (Du & Mordatch 2019; Nijkamp et al. 2019).

    A buffer keeps the ends of earlier chains. For each batch, as many chains as examples are picked from the buffer. A share of
    them begins anew from noise. Each chain takes `k` steps x <- x - step_size dE/dx + noise · N(0, I), and its end is put back.
    The chains sample exp(-E) exactly in the limit of small steps when noise = sqrt(2 step_size); in practice the noise is
    smaller, and then the energy learnt belongs to these chains rather than to exp(-E).

    Args:
        model: has energy(x) -> (B,).
        optimiser: over its parameters; None makes Adam with `lr` and betas (0, 0.999).
        k: Langevin steps per batch.
        step_size, noise: of a Langevin step, in units of x.
        buffer: how many chains are kept; at least the batch size.
        restart: share of the chains, in [0, 1], that begin anew from noise in each batch.
        clamp: the range that no chain leaves; the noise at its beginning is uniform in this range. With None there is no range,
            and the noise is standard normal.
        penalty: the loss gets this number times the mean square of both energies, which keeps energies near 0.
        schedule, clip, precision, averaging, seed: see `Step`.
    """

    def __init__(
        self,
        model: nn.Module,
        optimiser: Optimizer | None = None,
        *,
        lr: float = 1e-4,
        k: int = 60,
        step_size: float = 10.0,
        noise: float = 0.005,
        buffer: int = 2_000,
        restart: float = 0.05,
        clamp: tuple[float, float] | None = (0.0, 1.0),
        penalty: float = 0.1,
        schedule: Schedule | None = None,
        clip: float | None = None,
        precision: str = "float32",
        averaging: Rule | None = None,
        seed: int = 0,
    ):
        if not 0 <= restart <= 1:
            raise ValueError(f"restart is {restart!r}; expected a share of the chains in [0, 1]")
        if clamp is not None and not clamp[0] < clamp[1]:
            raise ValueError(f"clamp is {clamp!r}; expected (lowest, highest) value of x, or None")
        _check_settings(step_size=step_size, noise=noise, penalty=penalty)
        super().__init__(
            model,
            {"main": optimiser or Adam(model.parameters(), lr=lr, betas=(0.0, 0.999))},
            seed=seed,
            schedule=schedule,
            clip=clip,
            precision=precision,
            averaging=averaging,
        )
        self.k, self.buffer = check_index(k, "k", 1), check_index(buffer, "buffer", 1)
        self.step_size, self.noise, self.restart, self.clamp, self.penalty = step_size, noise, restart, clamp, penalty
        self.energies: dict[str, Tensor] = {}  # of the last batch
        self.chains: Tensor | None = None  # (buffer, *event_shape): where chains ended

    def losses(self) -> dict[str, tuple[nn.Module, Callable[..., Tensor]]]:
        return {"loss": (self.model, self._loss)}

    def _loss(self, pair: tuple[Tensor, Tensor], *, generator: torch.Generator) -> Tensor:
        """The loss of examples and of what the chains made, both (B, *event_shape)."""
        data, made = (self.model.energy(x).float() for x in pair)
        self.energies = {"data_energy": data.detach().mean(), "chain_energy": made.detach().mean()}
        return data.mean() - made.mean() + self.penalty * (data.square().mean() + made.square().mean())

    def move(self, batch: Tensor) -> dict[str, Tensor]:
        """One step of the optimiser; its loss, and the mean energies of data and of chains, in nats."""
        loss = self.descend("loss", (batch, self.draw(batch)), ["main"])
        return {"loss": loss, **self.energies}

    @torch.no_grad()
    def draw(self, like: Tensor) -> Tensor:
        """As many examples as `like` has, (B, *event_shape): chains of the buffer, `k` steps on, which go back into it."""
        if len(like) > self.buffer:
            raise ValueError(f"a batch has {len(like)} examples and buffer is {self.buffer}; expected buffer ≥ the batch size")
        if self.chains is None:
            self.chains = self._beginning(like.new_empty((self.buffer, *like.shape[1:])))
        order = torch.randperm(self.buffer, generator=self.generator, device=self.device)[: len(like)]
        x = self.chains[order]
        anew = uniform((len(x),), x, self.generator) < self.restart
        x = torch.where(anew.view(-1, *[1] * (x.ndim - 1)), self._beginning(x), x)
        x = langevin(
            self.model, x, self.k, step_size=self.step_size, noise=self.noise, clamp=self.clamp, generator=self.generator
        )
        self.chains[order] = x
        return x

    def _beginning(self, like: Tensor) -> Tensor:
        if self.clamp is None:
            return standard_normal(like.shape, like, self.generator)
        low, high = self.clamp
        return low + (high - low) * uniform(like.shape, like, self.generator)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"chains": self.chains}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.chains = None if state["chains"] is None else state["chains"].clone().to(self.device)


def _check_settings(**settings: float) -> None:
    """ValueError where a step size, a scale of noise or a penalty is negative or not finite."""
    for name, value in settings.items():
        if not (math.isfinite(value) and value >= 0):
            raise ValueError(f"{name} is {value!r}; expected a finite number of at least 0")
