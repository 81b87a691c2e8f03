"""The optimisers that recipes name: AdamW for all parameters, or Muon for the matrices and AdamW for the rest."""

from __future__ import annotations

from torch import nn
from torch.optim import AdamW, Muon, Optimizer

OPTIMISERS = ("adam", "muon")


def optimisers(model: nn.Module, kind: str = "adam", *, lr: float, weight_decay: float = 0.0) -> dict[str, Optimizer]:
    """Optimisers by name, each parameter of the model in one of them.

    kind: "adam" is AdamW for all (Loshchilov & Hutter 2019; without decay, Adam). "muon" gives the matrices to Muon
        (Jordan et al. 2024): each step's update of a matrix is made near orthogonal, so that it moves along weak
        directions of the gradient as far as along strong ones; scaled to the root mean square of an update of Adam's
        (Liu et al. 2025), so that one lr serves both. Matrices have two dimensions, both above 1.
    """
    if kind not in OPTIMISERS:
        raise ValueError(f"optimiser is {kind!r}; expected one of {OPTIMISERS}")
    parameters = list(model.parameters())
    matrices = [p for p in parameters if p.ndim == 2 and min(p.shape) > 1] if kind == "muon" else []
    taken = {id(p) for p in matrices}
    rest = [p for p in parameters if id(p) not in taken]
    made: dict[str, Optimizer] = {}
    if rest:
        made["main"] = AdamW(rest, lr=lr, weight_decay=weight_decay, fused=True)
    if matrices:
        made["matrices"] = Muon(matrices, lr=lr, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw")
    return made
