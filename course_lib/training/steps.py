"""Four ways to learn from a batch: by gradient, adversarially, by contrastive divergence, by expectation-maximisation.

A step is a callable `step(batch) -> dict[str, float]` that owns what changes: the model, its optimiser, its random
generator. `state_dict` holds all of it, so that a resumed run equals one that was never stopped.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from course_lib import runtime
from course_lib.models.inputs import check_count


def _device_of(model: nn.Module) -> torch.device:
    return next((p.device for p in model.parameters()), torch.device("cpu"))


class _Step:
    """What all steps share: a model, named optimisers, a generator, and their state."""

    def __init__(self, model: nn.Module, optimisers: dict[str, torch.optim.Optimizer], seed: int):
        self.model = model
        self.optimisers = optimisers
        self.generator = runtime.generator(seed, _device_of(model))
        self.steps = 0

    def state_dict(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "optimisers": {name: optimiser.state_dict() for name, optimiser in self.optimisers.items()},
            "generator": self.generator.get_state(),
            "steps": self.steps,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        for name, optimiser in self.optimisers.items():
            optimiser.load_state_dict(state["optimisers"][name])
        self.generator.set_state(state["generator"].cpu())
        self.steps = int(state["steps"])


class GradientStep(_Step):
    """One step down the gradient of `model.loss(batch)`.

    Args:
        model: has loss(x, generator=…) -> mean loss, ().
        optimiser: over the model's parameters, or several by name, each over its part; None makes Adam with `lr`.
        lr: learning rate when optimiser is None.
        total_steps: when given, the learning rates fall to 0 along half a cosine over so many steps
            (Loshchilov & Hutter 2017, eq. 5, without restarts).
        clip: largest norm of the gradient; None leaves it as it is.
        mixed_precision: run the forward pass in bfloat16 where torch thinks it safe; parameters stay float32.
            None says yes on CUDA and no elsewhere.
        seed: of the generator that the loss draws from.
    """

    def __init__(
        self,
        model: nn.Module,
        optimiser: torch.optim.Optimizer | Mapping[str, torch.optim.Optimizer] | None = None,
        *,
        lr: float = 1e-3,
        total_steps: int | None = None,
        clip: float | None = None,
        mixed_precision: bool | None = None,
        seed: int = 0,
    ):
        optimiser = optimiser or torch.optim.Adam(model.parameters(), lr=lr)
        super().__init__(model, dict(optimiser) if isinstance(optimiser, Mapping) else {"main": optimiser}, seed)
        self.rates = [group["lr"] for group in self._groups()]
        self.total_steps, self.clip = total_steps, clip
        self.mixed_precision = _device_of(model).type == "cuda" if mixed_precision is None else mixed_precision

    def _groups(self) -> list[dict[str, Any]]:
        return [group for optimiser in self.optimisers.values() for group in optimiser.param_groups]

    def __call__(self, batch: Tensor) -> dict[str, float]:
        if self.total_steps:
            share = (1 + math.cos(math.pi * min(self.steps / self.total_steps, 1.0))) / 2
            for group, rate in zip(self._groups(), self.rates, strict=True):
                group["lr"] = rate * share
        self.model.train()
        with torch.autocast(_device_of(self.model).type, torch.bfloat16, enabled=self.mixed_precision):
            loss = self.model.loss(batch, generator=self.generator)
        self.model.zero_grad(set_to_none=True)
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        for optimiser in self.optimisers.values():
            optimiser.step()
        self.steps += 1
        return {"loss": loss.item()}


class AdversarialStep(_Step):
    """Discriminator steps, then one generator step (Goodfellow et al. 2014, algorithm 1).

    Args:
        model: has generator_loss(x) and discriminator_loss(x), and the modules `generator` and `discriminator`.
        lr: of both players' Adam, with betas (0.5, 0.999) (Radford et al. 2016).
        discriminator_steps: steps of the discriminator before each of the generator.
    """

    def __init__(self, model: nn.Module, *, lr: float = 2e-4, discriminator_steps: int = 1, seed: int = 0):
        players = {"discriminator": model.discriminator, "generator": model.generator}
        optimisers = {name: torch.optim.Adam(p.parameters(), lr=lr, betas=(0.5, 0.999)) for name, p in players.items()}
        super().__init__(model, optimisers, seed)
        self.discriminator_steps = check_count(discriminator_steps, "discriminator_steps")

    def __call__(self, batch: Tensor) -> dict[str, float]:
        self.model.train()
        for _ in range(self.discriminator_steps):
            against = self._turn("discriminator", self.model.discriminator_loss, batch)
        made = self._turn("generator", self.model.generator_loss, batch)
        self.steps += 1
        return {"discriminator_loss": against, "generator_loss": made}

    def _turn(self, player: str, loss: Callable[..., Tensor], batch: Tensor) -> float:
        """One player's move; the other one's parameters stay as they are."""
        value = loss(batch, generator=self.generator)
        self.optimisers[player].zero_grad(set_to_none=True)
        value.backward()
        self.optimisers[player].step()
        return value.item()


class ContrastiveDivergenceStep(_Step):
    """Contrastive divergence (Hinton 2002), or persistent (Tieleman 2008): free energy down on data, up on a chain.

    Args:
        model: has free_energy(x) -> (B,) and gibbs_step(x, generator=…) -> x one step later.
        optimiser: over its parameters; None makes plain gradient descent with `lr`.
        k: Gibbs steps a batch.
        persistent: go on from the last batch's chain instead of from the data.
    """

    def __init__(self, model: nn.Module, optimiser=None, *, lr: float = 0.01, k: int = 1, persistent: bool = False, seed=0):
        super().__init__(model, {"main": optimiser or torch.optim.SGD(model.parameters(), lr=lr)}, seed)
        self.k, self.persistent, self.chain = check_count(k, "k"), persistent, None

    def __call__(self, batch: Tensor) -> dict[str, float]:
        start = self.chain if self.persistent and self.chain is not None and len(self.chain) >= len(batch) else batch
        with torch.no_grad():
            chain = start
            for _ in range(self.k):
                chain = self.model.gibbs_step(chain, generator=self.generator)
        gap = self.model.free_energy(batch).mean() - self.model.free_energy(chain).mean()
        self.optimisers["main"].zero_grad(set_to_none=True)
        gap.backward()
        self.optimisers["main"].step()
        self.chain = chain if self.persistent else None
        self.steps += 1
        return {"free_energy_gap": gap.item()}

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | ({} if self.chain is None else {"chain": self.chain})

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        chain = state.get("chain")
        self.chain = None if chain is None else chain.to(_device_of(self.model))


class EMStep(_Step):
    """One step of expectation-maximisation (Dempster, Laird & Rubin 1977).

    model: has em_step(x) -> mean log-likelihood in nats before the step, which never falls on one same batch.
    """

    def __init__(self, model: nn.Module, *, seed: int = 0):
        super().__init__(model, {}, seed)

    def __call__(self, batch: Tensor) -> dict[str, float]:
        self.steps += 1
        return {"log_likelihood": float(self.model.em_step(batch))}
