"""The explorer of plans: what stands above never changes what is written below, and the plan does."""

import numpy as np
import torch
from small_models import seeded

from course_lib import runtime
from course_lib.explore.kit.sheet import shades
from course_lib.explore.sequence import hierarchy
from course_lib.models.sequence import NestedRNN


def test_the_lower_half_depends_on_the_plan_alone():
    with seeded():
        model = NestedRNN(symbols=2, length=16, longest=4, upper=6, reader=4, lower=6, embedding=3).eval().requires_grad_(False)
        for parameter in model.parameters():
            parameter.mul_(3)  # strong weights: a plan shows
    x = torch.cat([torch.zeros(1, 16, dtype=torch.long), torch.ones(1, 16, dtype=torch.long)])
    panel = hierarchy.change_the_plan(model, {"a": x[0], "b": x[1]}, streams=9)
    at = {"above": "a", "first": "a", "second": "b", "mix": 0.0}
    own, other_top = (np.asarray(panel.render(**{**at, "above": name})) for name in "ab")
    below = (slice(34 + 2 * 15, 34 + 4 * 15), slice(6, 6 + 4 * 15))  # the two rows written, in the large picture
    assert (own[below] == other_top[below]).all()
    assert (own != other_top).any()
    for mix, row in ((0.0, 0), (1.0, 1)):
        plan = model.plans(x)[row, 2].expand(9, -1)
        mean = model.write_by(plan, model.noise(9, runtime.generator(0), length=8)).float().mean(0).view(2, 4)
        seen = np.asarray(panel.render(**{**at, "mix": mix}))[below][7::15, 7::15]
        assert (seen == shades(mean.numpy())).all()
    assert (np.asarray(panel.render(**{**at, "mix": 1.0}))[below] != own[below]).any()
