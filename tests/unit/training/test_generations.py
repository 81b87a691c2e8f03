"""Refitting on own samples: the plan is kept, and the exact expectations are those of simulations."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.training.generations import Gaussians, Plan, expected_variances, floor_of_kept, generations, group_runs

COUNT, RUNS = 5, 20_000


@pytest.mark.parametrize("plan", [Plan(4), Plan(6, 0.5), Plan(5, 0.2), Plan(4, keep_all=True), Plan(6, 0.5, True)])
def test_the_expected_variances_are_those_of_many_runs(plan):
    draw = runtime.generator(0)
    found = generations(Gaussians.fit, lambda n: torch.randn(n, RUNS, 1, generator=draw), plan, count=COUNT, generator=draw)
    variances = torch.stack([model.variance.double() for model in found])  # (COUNT + 1, RUNS)
    errors = variances.std(1) / math.sqrt(RUNS)
    expected = torch.tensor(expected_variances(plan, COUNT), dtype=torch.double)
    assert ((variances.mean(1) - expected).abs() < 5 * errors).all()


def test_closed_forms():
    assert expected_variances(Plan(10), 29)[-1] == pytest.approx(0.9**30)
    kept = expected_variances(Plan(10, keep_all=True), 5_000)
    assert kept[3] == pytest.approx(math.prod(1 - 1 / (10 * j * j) for j in range(1, 5)))
    assert kept[-1] == pytest.approx(floor_of_kept(10), abs=1e-4)
    assert floor_of_kept(10) < kept[-1]


def test_what_each_generation_is_fitted_to():
    seen = []

    class Model:
        def sample(self, n, *, generator=None):
            return torch.full((n, 1), float(len(seen)))

    def fit(x, before):
        seen.append((x.flatten().tolist(), before))
        return Model()

    generations(fit, lambda n: torch.zeros(n, 1), Plan(4, 0.25), count=2)
    assert [x for x, _ in seen] == [[0, 0, 0, 0], [0, 1, 1, 1], [0, 2, 2, 2]]
    assert seen[0][1] is None
    assert isinstance(seen[1][1], Model)
    seen.clear()
    generations(fit, lambda n: torch.zeros(n, 1), Plan(2, keep_all=True), count=2)
    assert [x for x, _ in seen] == [[0, 0], [0, 0, 1, 1], [0, 0, 1, 1, 2, 2]]


def test_the_fit_is_the_maximum_of_the_likelihood():
    x = torch.randn(50, 3, 2, generator=runtime.generator(1), dtype=torch.double)
    model = Gaussians.fit(x)
    for group in range(3):
        covariance = model.factor[group] @ model.factor[group].T
        torch.testing.assert_close(covariance, torch.cov(x[:, group].T, correction=0))
    torch.testing.assert_close(model.mean, x.mean(0))
    many = model.sample(10_000, generator=runtime.generator(2))
    torch.testing.assert_close(torch.cov(many[:, 1].T), torch.cov(x[:, 1].T, correction=0), rtol=0.1, atol=0.05)
    assert Gaussians.fit(x[:1]).variance.sum() == 0  # one example has no spread


@pytest.mark.parametrize("settings", [{"n": 0}, {"n": 5, "real": 1.5}, {"n": 5, "real": -0.1}])
def test_odd_plans_are_refused(settings):
    with pytest.raises(ValueError, match="expected"):
        Plan(**settings)


def test_group_runs_draw_each_group_from_its_own_examples():
    x = torch.arange(3.0)[None, :, None] + 0.01 * torch.randn(40, 3, 2, generator=runtime.generator(3))
    runs = group_runs(x, Plan(5), count=2, seeds=[0, 1])
    assert len(runs) == 2
    assert [len(run) for run in runs] == [3, 3]
    for run in runs:
        torch.testing.assert_close(run[0].mean, x.mean(0), atol=0.05, rtol=0)
    assert not torch.equal(runs[0][0].mean, runs[1][0].mean)
