"""A study of lesson 23: the digits of flow-mnist by number of steps, by sampler, and by guidance.

`python -m course_lib.training.dials` measures it anew and writes data/studies/flow-dials.json.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib import runtime
from course_lib.datasets import load
from course_lib.metrics.classification import accuracy
from course_lib.metrics.diversity import within_class_variance
from course_lib.metrics.features import features
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.diffusion import samplers
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.training import checkpoints, studies
from course_lib.training.recipes.diffusion import CODER, digit_codes

STUDY, MODEL, JUDGE = "flow-dials", "flow-mnist", "features-mnist"
STEPS = (1, 2, 3, 5, 10, 20, 50)
SAMPLERS: dict[str, tuple[samplers.Sampler, tuple[int, ...]]] = {  # with the numbers of steps that are measured
    "Euler": (samplers.EULER, STEPS),
    "Heun": (samplers.HEUN, STEPS[:-1]),
    "DDPM": (samplers.ANCESTRAL, STEPS),
}
GUIDANCES = (0.0, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
GUIDED_STEPS = 10  # of Euler's method, for every guidance


@dataclass(frozen=True)
class Judged:
    """What is asked of digits (n, 1, 28, 28) that were made for classes (n,). seen: features (N, F) of real digits."""

    judge: torch.nn.Module
    seen: Tensor

    def __call__(self, made: Tensor, y: Tensor) -> dict[str, float]:
        found, share = features(self.judge, made), accuracy(self.judge, made, y)
        return {
            "percent_recognised": round(share.mean, 4),
            "within_class_variance": round(within_class_variance(found, y), 4),
            "fid": round(frechet_distance(found, self.seen), 4),
        }


def drawn(model: VelocityFlow, n: int, w: float, steps: int, sampler: samplers.Sampler) -> tuple[Tensor, Tensor]:
    """Digits (n, 1, 28, 28) of all classes in turn at guidance w, on the CPU, and their classes (n,); one noise for all calls."""
    device, y = runtime.device_of(model), torch.arange(n) % model.classes
    g = runtime.generator(0, device)
    parts = [
        model.given(some.to(device), w).sample(len(some), steps=steps, sampler=sampler, generator=g) for some in y.split(500)
    ]
    return torch.cat(parts).cpu(), y


def measure(model: VelocityFlow, judged: Judged, n: int) -> dict[str, dict[str, Any]]:
    """One row for each sampler, with its measures by number of steps, and one of the guidances: lists in the dial's order."""
    rows: dict[str, dict[str, Any]] = {}
    for name, (sampler, many) in SAMPLERS.items():
        found = [judged(*drawn(model, n, 1.0, steps, sampler)) for steps in many]
        evaluations = [2 * steps - 1 if name == "Heun" else steps for steps in many]  # of the network
        rows[f"steps-{name}"] = {"dial": list(many), "evaluations": evaluations, "n": n, **_turned(found)}
    found = [judged(*drawn(model, n, w, GUIDED_STEPS, samplers.EULER)) for w in GUIDANCES]
    rows["guidance"] = {"dial": list(GUIDANCES), "n": n, "steps": GUIDED_STEPS, **_turned(found)}
    return rows


def real_rows(judge: torch.nn.Module, seen: Tensor, n: int) -> dict[str, Any]:
    """The same of n training digits, n / 10 of each class: what the measures say of real ones."""
    data = load("mnist", "train")
    chosen = torch.cat([(data.y == digit).nonzero()[: n // 10, 0] for digit in range(10)])
    return {"n": n, **Judged(judge, seen)(data.x[chosen], data.y[chosen])}


def decoded_rows(judge: torch.nn.Module, seen: Tensor, n: int) -> dict[str, Any]:
    """The same of n training digits that were encoded by vae-mnist, and their codes decoded: the floor of a flow of its codes."""
    coder, (z, y) = checkpoints.load(CODER), (digit_codes("train").x[:n], digit_codes("train").y[:n])
    with torch.no_grad():
        made = torch.cat([coder.decode(some).mean for some in z.split(500)])
    return {"n": n, **Judged(judge, seen)(made, y)}


def make(*, n: int = 5_000, device: str | None = None) -> str:
    """Measure the shipped model and write the study; returns the file's name relative to data/."""
    model, judge = checkpoints.load(MODEL, device=runtime.device(device)), checkpoints.load(JUDGE)
    model = model.to(memory_format=torch.channels_last)  # which convolves faster on a CPU
    seen = features(judge, load("mnist", "test").x)
    rows = {**measure(model, Judged(judge, seen), n), "real": real_rows(judge, seen, n)}
    rows["decoded"] = decoded_rows(judge, seen, 10 * n)
    for name, metrics in rows.items():
        about = {"configuration": {"model": MODEL, "judge": JUDGE}, "about": f"digits of {MODEL}: {name}", "metrics": metrics}
        file = studies.record(STUDY, name, about)
    return file


def _turned(found: list[dict[str, float]]) -> dict[str, list[float]]:
    """A list of measures by name as one list for each name."""
    return {name: [row[name] for row in found] for name in found[0]}


if __name__ == "__main__":
    print(make())
