"""Learning of a restricted Boltzmann machine by contrastive divergence, in closed form."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim import SGD, Optimizer

from course_lib.runtime import check_index, uniform
from course_lib.training.averaging import Rule
from course_lib.training.steps.base import Schedule, Step


class ContrastiveDivergenceStep(Step):
    """Contrastive divergence (Hinton 2002), or persistent (Tieleman 2008), for a machine of binary units.

    The machine has energy -x W h - b x - c h. The gradient of its log-likelihood is a difference of two means, over data and
    over the model's own examples, and needs no automatic differentiation:

        <x h> of data - <x h> of chains for W,   <x> - <x> for b,   <h> - <h> for c,   h being its mean given x

    The model's examples come from k Gibbs steps, which begin at the data, or, when persistent, where the chains of the last
    batch ended. The centred gradient takes x and h minus their means (Montavon & Müller 2012; Melchior, Fischer & Wiskott 2016,
    eq. 12 to 14): exchanging the values 0 and 1 of a unit then changes nothing.

    Args:
        model: has the parameters W (V, H), b (V,) and c (H,).
        optimiser: over them; None makes plain gradient descent with `lr`, and with `weight_decay` on W alone.
        k: Gibbs steps per batch.
        persistent: keep the chains from batch to batch.
        chains: how many, when persistent; None is as many as the first batch has examples.
        centre: share of each batch in the running means, which are subtracted from x and h; None subtracts nothing.
        schedule, averaging, seed: see `Step`.
    """

    def __init__(
        self,
        model: nn.Module,
        optimiser: Optimizer | None = None,
        *,
        lr: float = 0.01,
        weight_decay: float = 0.0,
        k: int = 1,
        persistent: bool = False,
        chains: int | None = None,
        centre: float | None = 0.01,
        schedule: Schedule | None = None,
        averaging: Rule | None = None,
        seed: int = 0,
    ):
        if chains is not None and not persistent:
            raise ValueError(f"chains is {chains}, but persistent is False: then each example has its own; use persistent=True")
        if centre is not None and not 0 < centre <= 1:
            raise ValueError(f"centre is {centre!r}; expected a share in (0, 1], or None for no centring")
        groups = [{"params": [model.W], "weight_decay": weight_decay}, {"params": [model.b, model.c], "weight_decay": 0.0}]
        super().__init__(model, {"main": optimiser or SGD(groups, lr=lr)}, seed=seed, schedule=schedule, averaging=averaging)
        self.k, self.persistent, self.centre = check_index(k, "k", 1), persistent, centre
        self.chains = None if chains is None else check_index(chains, "chains", 1)
        self.chain: Tensor | None = None  # hidden units (chains, H) where the last batch's chains ended
        self.offsets: tuple[Tensor, Tensor] | None = None  # running means of x (V,) and of h (H,)

    @torch.no_grad()
    def move(self, batch: Tensor) -> dict[str, Tensor]:
        """One step up the likelihood; returns the free energy of the data minus that of the chains, in nats."""
        x, logits = batch.flatten(1), self._logits(batch.flatten(1))
        h = torch.sigmoid(logits)
        if self.centre is not None:
            self._follow(x.mean(0), h.mean(0))
        made, made_logits, end = self._gibbs(self._start(h))
        self.chain = end if self.persistent else None
        gap = self._free_energy(x, logits).mean() - self._free_energy(made, made_logits).mean()
        self._set_gradients(x, h, made, torch.sigmoid(made_logits))
        self.optimisers["main"].step()
        return {"free_energy_gap": gap}

    def _logits(self, x: Tensor) -> Tensor:
        return torch.addmm(self.model.c, x, self.model.W)  # (B, H)

    def _draw(self, probs: Tensor) -> Tensor:
        return (uniform(probs.shape, probs, self.generator) < probs).to(probs.dtype)

    def _start(self, h: Tensor) -> Tensor:
        """Hidden units at which the chains begin; h: their means given the data, (B, H)."""
        if self.chain is not None:
            return self.chain
        count = self.chains or len(h)
        return self._draw(h[torch.arange(count, device=h.device) % len(h)])

    def _gibbs(self, hidden: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """k Gibbs steps from hidden units (N, H): visible units (N, V), the logits of h given them, and h drawn from those."""
        for _ in range(self.k):
            visible = self._draw(torch.sigmoid(torch.addmm(self.model.b, hidden, self.model.W.T)))
            logits = self._logits(visible)
            hidden = self._draw(torch.sigmoid(logits))
        return visible, logits, hidden

    def _follow(self, x: Tensor, h: Tensor) -> None:
        """Take a batch's means into the running means, which begin as those of the first batch."""
        if self.offsets is None:
            self.offsets = (x, h)
        else:
            self.offsets = tuple(old.lerp(new, self.centre) for old, new in zip(self.offsets, (x, h), strict=True))

    def _set_gradients(self, x: Tensor, h: Tensor, made: Tensor, made_h: Tensor) -> None:
        """The gradients of minus the log-likelihood, from data (x, h) and from the model's own (made, made_h).

        Subtracting the running means from x and h changes the difference of <x h> by two outer products, which are cheap.
        """
        W = (made.T @ made_h).addmm_(x.T, h, beta=1 / len(made), alpha=-1 / len(x))
        b, c = made.mean(0) - x.mean(0), made_h.mean(0) - h.mean(0)
        if self.offsets is not None:
            mean_x, mean_h = self.offsets
            W.addr_(b, mean_h, alpha=-1).addr_(mean_x, c, alpha=-1)
            b, c = b - W @ mean_h, c - W.T @ mean_x
        self.model.W.grad, self.model.b.grad, self.model.c.grad = W, b, c

    def _free_energy(self, x: Tensor, logits: Tensor) -> Tensor:
        return -(x @ self.model.b) - F.softplus(logits).sum(1)

    def state_dict(self) -> dict[str, Any]:
        return super().state_dict() | {"chain": self.chain, "offsets": self.offsets}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.chain = None if state["chain"] is None else state["chain"].clone().to(self.device)
        self.offsets = None if state["offsets"] is None else tuple(offset.clone().to(self.device) for offset in state["offsets"])
