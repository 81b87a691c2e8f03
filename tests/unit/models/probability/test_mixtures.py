"""Gaussian mixtures against scikit-learn, SciPy and brute force; EM never falls; degenerate cases have a result or an error."""

import json
import math
import warnings

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.mixture import GaussianMixture as Oracle

from course_lib import runtime
from course_lib.datasets import load
from course_lib.distributions import gaussian_log_prob, multivariate_gaussian_log_prob
from course_lib.models.probability.mixtures import COVARIANCES, GaussianMixture, best_of
from course_lib.models.protocols import configuration
from course_lib.training import EMStep, fit

THEIRS = {"full": "full", "diagonal": "diag", "spherical": "spherical"}


def cloud(n=400, d=3, seed=0, k=4):
    """n points in d dimensions around k overlapping, differently shaped centres, far from the origin, in doubles."""
    g = runtime.generator(seed)
    which = torch.randint(k, (n,), generator=g)
    shape = torch.randn(k, d, d, generator=g, dtype=torch.double)
    noise = torch.randn(n, d, generator=g, dtype=torch.double)
    return 100 + 2 * torch.randn(k, d, generator=g, dtype=torch.double)[which] + (shape[which] @ noise[..., None])[..., 0]


def started(x, k, covariance, seed=0, min_variance=1e-9):
    model = GaussianMixture(event_shape=(x.shape[1],), components=k, covariance=covariance, min_variance=min_variance)
    return model.start(x, generator=runtime.generator(seed))


def twin(model, x, steps):
    """scikit-learn's mixture after `steps` steps of EM from the model's present parameters, and its history."""
    variances = {"full": model.covariances(), "diagonal": model.scale**2, "spherical": model.scale[:, 0] ** 2}[model.covariance]
    precisions = torch.linalg.inv(variances) if model.covariance == "full" else 1 / variances
    oracle = Oracle(
        model.components, covariance_type=THEIRS[model.covariance], reg_covar=0, tol=0, max_iter=steps,
        weights_init=model.probs.numpy(), means_init=model.mean.numpy(), precisions_init=precisions.numpy(), random_state=0,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        oracle.fit(x.numpy())
    return oracle


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize(("d", "k"), [(1, 2), (3, 4), (8, 5)])
def test_likelihood_after_equal_steps_is_scikit_learns(covariance, d, k):
    x = cloud(d=d, k=k)
    model = started(x, k, covariance)
    oracle = twin(model, x, 25)
    for _ in range(25):
        model.em_step(x)
    assert model.log_prob(x).mean().item() == pytest.approx(oracle.score(x.numpy()), rel=1e-9)
    assert np.allclose(model.responsibilities(x), oracle.predict_proba(x.numpy()), atol=1e-6)
    assert model.parameter_count == oracle._n_parameters()


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_em_on_old_faithful_is_scikit_learns(covariance):
    x = load("old_faithful").x.double()
    model = started(x, 3, covariance)
    oracle = twin(model, x, 60)
    for _ in range(60):
        model.em_step(x)
    assert model.log_prob(x).mean().item() == pytest.approx(oracle.score(x.numpy()), rel=1e-6)


@pytest.mark.parametrize("covariance", COVARIANCES)
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("min_variance", [1e-6, 0.5])
def test_em_never_falls_even_where_the_floor_holds_it(covariance, seed, min_variance):
    x = cloud(n=60, d=2, seed=seed)
    model = started(x, 6, covariance, seed, min_variance)
    history = torch.stack([model.em_step(x) for _ in range(80)])
    assert (history.diff() > -1e-10).all()
    assert history[-1] > history[0]


def test_em_step_returns_the_likelihood_before_the_step():
    x = cloud()
    model = started(x, 3, "full")
    before = model.log_prob(x).mean()
    assert model.em_step(x) == pytest.approx(before.item(), rel=1e-12)
    assert model.log_prob(x).mean() > before


def test_density_responsibilities_and_step_by_brute_force_in_plain_python():
    x, probs, mean, sd = [0.0, 1.0, 4.0], [0.25, 0.75], [0.0, 3.0], [1.0, 2.0]
    model = GaussianMixture(event_shape=(1,), components=2)
    model.set_components(probs=probs, mean=[[m] for m in mean], covariance=[[[s * s]] for s in sd])
    joint = [
        [
            p * math.exp(-((v - m) ** 2) / (2 * s * s)) / (s * math.sqrt(2 * math.pi))
            for p, m, s in zip(probs, mean, sd, strict=True)
        ]
        for v in x
    ]
    data = torch.tensor(x, dtype=torch.double)[:, None]
    assert torch.allclose(model.log_prob(data), torch.tensor([math.log(sum(j)) for j in joint], dtype=torch.double))
    resp = [[value / sum(j) for value in j] for j in joint]
    assert torch.allclose(model.responsibilities(data), torch.tensor(resp, dtype=torch.double))
    model.em_step(data)
    for k in range(2):
        n = sum(r[k] for r in resp)
        m = sum(r[k] * v for r, v in zip(resp, x, strict=True)) / n
        variance = sum(r[k] * (v - m) ** 2 for r, v in zip(resp, x, strict=True)) / n
        assert model.probs[k].item() == pytest.approx(n / 3)
        assert model.mean[k, 0].item() == pytest.approx(m)
        assert model.covariances()[k, 0, 0].item() == pytest.approx(variance)


def test_multivariate_log_prob_is_scipys_and_in_one_dimension_the_other_formula():
    g = runtime.generator(1)
    factor = torch.randn(3, 4, 4, generator=g, dtype=torch.double).tril() + 3 * torch.eye(4, dtype=torch.double)
    x, mean = torch.randn(600, 4, generator=g, dtype=torch.double), torch.randn(3, 4, generator=g, dtype=torch.double)
    ours = multivariate_gaussian_log_prob(x, mean, factor)
    for k in range(3):
        theirs = stats.multivariate_normal(mean[k].numpy(), (factor[k] @ factor[k].T).numpy()).logpdf(x.numpy())
        assert np.allclose(ours[:, k], theirs)
    one = multivariate_gaussian_log_prob(x[:, :1], mean[:, :1], factor[:, :1, :1])
    assert torch.allclose(one, gaussian_log_prob(x[:, :1], mean[:, 0], factor[:, 0, 0].log()))


def test_full_diagonal_and_spherical_are_one_density_where_they_agree():
    x, mean, probs = cloud(d=2)[:50], cloud(d=2)[:3], torch.tensor([0.2, 0.3, 0.5])
    variance = torch.tensor([1.0, 2.0, 5.0])[:, None]
    made = []
    for covariance, given in (
        ("full", torch.diag_embed(variance.expand(3, 2))),
        ("diagonal", variance.expand(3, 2)),
        ("spherical", variance),
    ):
        model = GaussianMixture(event_shape=(2,), components=3, covariance=covariance)
        made.append(model.set_components(probs=probs, mean=mean, covariance=given).log_prob(x))
    assert torch.allclose(made[0], made[1])
    assert torch.allclose(made[0], made[2])


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_samples_follow_the_density(covariance):
    x = cloud(d=2)
    model = started(x, 3, covariance)
    model.em_step(x)
    drawn, z = model.sample_joint(40_000, generator=runtime.generator(3))
    counts = torch.bincount(z, minlength=3).numpy()
    assert stats.chisquare(counts, 40_000 * model.probs.numpy()).pvalue > 1e-4
    for k in range(3):
        mine = drawn[z == k].double()
        white = (mine - model.mean[k]) @ torch.linalg.inv(torch.linalg.cholesky(model.covariances()[k])).T
        assert stats.kstest(white.square().sum(1).numpy(), stats.chi2(2).cdf).pvalue > 1e-4
        assert torch.allclose(torch.cov(white.T), torch.eye(2).double(), atol=0.05)
    assert torch.equal(model.sample(10, generator=runtime.generator(5)), model.sample(10, generator=runtime.generator(5)))


def test_density_sums_to_one_on_a_grid():
    x = load("old_faithful").x
    model = started(x, 2, "full")
    a, b = torch.linspace(-3, 12, 400), torch.linspace(0, 160, 400)
    grid = torch.cartesian_prod(a, b)
    total = model.log_prob(grid).double().exp().sum() * (a[1] - a[0]) * (b[1] - b[0])
    assert total.item() == pytest.approx(1, abs=1e-4)


def test_types_and_shapes():
    model = GaussianMixture(event_shape=(1, 2, 2), components=3)
    assert model.sample(5, generator=runtime.generator(0)).shape == (5, 1, 2, 2)
    assert model.log_prob(torch.zeros(2, 1, 2, 2)).dtype == torch.float32
    assert model.log_prob(torch.zeros(2, 1, 2, 2).double()).dtype == torch.float64
    assert model.log_prob(torch.zeros(0, 1, 2, 2)).shape == (0,)
    assert model.log_joint(torch.zeros(2, 1, 2, 2)).shape == (2, 3)


def test_the_common_loop_trains_it():
    x = load("old_faithful").x
    model = started(x, 2, "full")
    history = fit(EMStep(model), [x], 5)
    values = [row["log_likelihood"] for row in history]
    assert values == sorted(values)


# Degenerate cases -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_one_point_gets_the_narrowest_component_allowed(covariance):
    model = started(torch.tensor([[3.0, 4.0]]), 1, covariance, min_variance=0.01)
    model.em_step(torch.tensor([[3.0, 4.0]]))
    assert torch.allclose(model.mean, torch.tensor([[3.0, 4.0]]).double())
    assert torch.allclose(model.covariances()[0], 0.01 * torch.eye(2).double())


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_singular_data_end_at_the_floor_and_stay_finite(covariance):
    line = torch.arange(20.0)[:, None] * torch.tensor([[1.0, 2.0, -1.0]])  # rank 1 in three dimensions, fewer points than K D
    model = started(line, 4, covariance, min_variance=1e-6)
    history = torch.stack([model.em_step(line) for _ in range(50)])
    assert history.isfinite().all()
    assert (history.diff() > -1e-9).all()
    assert torch.linalg.eigvalsh(model.covariances()).min() >= 1e-6 * (1 - 1e-6)


def test_the_floor_is_the_best_covariance_under_the_bound():
    x = torch.tensor([[0.0, 0.0], [2.0, 2.0], [-2.0, -2.0], [0.1, -0.1]])
    model = GaussianMixture(event_shape=(2,), components=1, min_variance=0.1).start(x)
    best = model.log_prob(x).sum()
    assert torch.linalg.eigvalsh(model.covariances()[0]).min() == pytest.approx(0.1)
    for seed in range(50):
        change = 0.1 * torch.randn(2, 2, generator=runtime.generator(seed)).double()
        values, vectors = torch.linalg.eigh(model.covariances()[0] + change + change.T)
        other = vectors @ values.clamp(min=0.1).diag() @ vectors.T
        rival = GaussianMixture(event_shape=(2,), components=1, min_variance=0.1)
        rival.set_components(probs=[1.0], mean=model.mean, covariance=other[None])
        assert rival.log_prob(x).sum() <= best + 1e-6


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_a_component_that_is_given_nothing_keeps_its_shape_with_probability_0(covariance):
    x = cloud(d=2)
    model = started(x, 3, covariance)
    model.mean.data[2] = 1e6
    far, wide = model.mean[2].clone(), model.covariances()[2].clone()
    model.em_step(x)
    assert model.probs[2] == 0
    assert torch.equal(model.mean[2], far)
    assert torch.allclose(model.covariances()[2], wide)
    assert model.log_prob(x).isfinite().all()
    assert (model.responsibilities(x)[:, 2] == 0).all()
    assert model.em_step(x).isfinite()
    assert (model.sample_joint(500, generator=runtime.generator(0))[1] != 2).all()


def test_duplicates_are_only_an_error_where_fewer_are_distinct_than_components():
    x = torch.tensor([[0.0], [0.0], [1.0], [1.0]])
    model = GaussianMixture(event_shape=(1,), components=2).start(x, generator=runtime.generator(0))
    assert sorted(model.mean.flatten().tolist()) == [0, 1]
    with pytest.raises(ValueError, match="2 distinct examples for 3"):
        GaussianMixture(event_shape=(1,), components=3).start(x)


def test_infinite_points_have_density_0_and_far_points_do_not_overflow():
    model = GaussianMixture(event_shape=(2,), components=2)
    x = torch.tensor([[0.0, math.inf], [-math.inf, math.inf], [1e200, 0.0], [0.0, 0.0]], dtype=torch.double)
    got = model.log_prob(x)
    assert got[:3].tolist() == [-math.inf] * 3
    assert got[3].isfinite()
    far = torch.tensor([[1e20, -1e20]]).double()
    assert model.log_prob(far).isfinite().all()
    assert model.responsibilities(far).sum() == pytest.approx(1)
    with pytest.raises(ValueError, match="density 0"):
        model.responsibilities(x)
    with pytest.raises(ValueError, match="infinity"):
        model.em_step(x)


def test_a_step_that_raises_changes_nothing():
    model = GaussianMixture(event_shape=(1,), components=2)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(ValueError, match="density 0"):
        model.em_step(torch.tensor([[1e200], [0.0]], dtype=torch.double))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (torch.tensor([[math.nan, 0.0]]), "NaN"),
        (torch.zeros(3, 5), "expected"),
        (torch.zeros(3, 2, dtype=torch.long), "float"),
        (torch.zeros(0, 2), "0 examples"),
        (torch.zeros(1, 2), "1 examples, fewer than the 2 components"),
        (torch.tensor([[math.inf, 0.0], [0.0, 0.0]]), "infinity"),
    ],
)
def test_bad_data_are_named(x, says):
    with pytest.raises(ValueError, match=says):
        GaussianMixture(event_shape=(2,), components=2).start(x)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"covariance": "tied"}, "expected one of"),
        ({"components": 0}, "components is 0"),
        ({"min_variance": 0.0}, "above 0"),
        ({"min_variance": math.nan}, "finite"),
        ({"event_shape": ()}, "event_shape"),
    ],
)
def test_bad_settings_are_named(change, says):
    with pytest.raises(ValueError, match=says):
        GaussianMixture(**{"event_shape": (2,), "components": 2, **change})


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"probs": [0.5, 0.6]}, "sum to 1"),
        ({"probs": [1.5, -0.5]}, "at least 0"),
        ({"mean": [[0.0]]}, "mean has shape"),
        ({"mean": [[math.nan], [0.0]]}, "finite"),
        ({"covariance": [[[1.0]], [[-1.0]]]}, "variance -1"),
    ],
)
def test_bad_components_are_named(change, says):
    good = {"probs": [0.5, 0.5], "mean": [[0.0], [1.0]], "covariance": [[[1.0]], [[1.0]]]}
    with pytest.raises(ValueError, match=says):
        GaussianMixture(event_shape=(1,), components=2).set_components(**{**good, **change})


def test_best_of_keeps_the_run_of_the_highest_likelihood():
    x = torch.cat([c + 0.1 * torch.randn(30, 2, generator=runtime.generator(c)) for c in range(6)])
    runs = [best_of(x, 4, starts=1, steps=5, seed=seed) for seed in range(4)]
    heights = torch.tensor([model.log_prob(x).mean() for model in runs])
    assert heights.max() > heights[0] + 0.01  # otherwise this test could not tell the first run from the best
    found = best_of(x, 4, starts=4, steps=5)
    assert torch.equal(found.mean, runs[int(heights.argmax())].mean)
    with pytest.raises(ValueError, match="starts is 0"):
        best_of(x, 4, starts=0)


def test_the_integers_of_numpy_and_torch_are_taken_and_kept_as_python_ones():
    models = [GaussianMixture(event_shape=(2,), components=k, seed=np.int64(3)) for k in np.arange(1, 4)]
    assert [json.loads(json.dumps(configuration(model)))["components"] for model in models] == [1, 2, 3]
    assert GaussianMixture(event_shape=torch.Size([2]), components=torch.tensor(2)).sample(np.int64(5)).shape == (5, 2)
    with pytest.raises(ValueError, match="components is"):
        GaussianMixture(event_shape=(2,), components=np.float64(2))


@pytest.mark.parametrize("covariance", COVARIANCES)
def test_slices_change_no_number(covariance, monkeypatch):
    x = torch.randn(40, 3, generator=runtime.generator(5))
    found = []
    for size in (256, 7):
        monkeypatch.setattr("course_lib.models.probability.covariances.SLICE", size)
        model = GaussianMixture(event_shape=(3,), components=2, covariance=covariance)
        found.append((model.em_step(x), model.covariances(), model.log_prob(x)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other)
