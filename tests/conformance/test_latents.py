"""What every model with latent variables must keep: its protocol, bounds in their order, and samples that follow p(x)."""

import inspect
import itertools
import math

import pytest
import scipy.stats
import torch
from latents import BUILD, build, examples

from course_lib import runtime
from course_lib.models.latent import LatentVariableModel
from course_lib.training import checkpoints

ALARM = 1e-6  # chance that a right model fails one test
MANY = 20_000
NAMES = pytest.mark.parametrize("name", BUILD)


def all_states(model, device="cpu"):
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=math.prod(model.event_shape))), device=device)
    return states.reshape(-1, *model.event_shape)


@torch.no_grad()
def probabilities(model, device="cpu", k=MANY):
    """p of every state, by the importance bound of k draws, and its standard error. In doubles.

    exp(bound) is the mean importance weight: unbiased, whatever q is. The noise is drawn on the CPU, so that the verdict does not
    hang on the generator of a device.
    """
    x = all_states(model, device)
    bound = model.importance_bound(x, k, generator=runtime.generator(5), chunk=k * len(x))  # the same draws as the weights below
    weights = model.log_weights(x, k, generator=runtime.generator(5)).double().exp().cpu()
    return bound.double().exp().cpu(), weights.std(0) / math.sqrt(k)


@NAMES
def test_protocol(name, device, capsys):
    model = build(name, device)
    assert isinstance(model, LatentVariableModel)
    assert not hasattr(model, "log_prob"), "log_prob is exact wherever it exists; a bound has another name"
    signature = inspect.signature(type(model).__init__).parameters.values()
    assert all(p.kind is p.KEYWORD_ONLY for p in signature if p.name != "self")
    x = model.sample(5, generator=runtime.generator(3, device))
    assert x.shape == (5, *model.event_shape)
    assert not x.requires_grad
    z, log_q = model.infer(x, generator=runtime.generator(4, device))
    assert log_q.shape == model.log_joint(x, z).shape == model.elbo(x).shape == model.importance_bound(x, 3).shape == (5,)
    assert model.elbo(x[:0]).shape == model.importance_bound(x[:0], 3).shape == (0,)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@NAMES
def test_everything_drawn_depends_on_the_generator_alone(name, device):
    model = build(name, device)
    x = examples(model, 6)
    for draw in (
        lambda g: model.sample(20, generator=g),
        lambda g: model.log_joint(x, model.infer(x, generator=g)[0]),
        lambda g: model.elbo(x, generator=g),
        lambda g: model.importance_bound(x, 4, generator=g, chunk=10),
        lambda g: model.loss(x, generator=g),
    ):
        first = draw(runtime.generator(4, device))
        torch.manual_seed(99)
        before = torch.get_rng_state()
        assert torch.equal(first, draw(runtime.generator(4, device)))
        assert torch.equal(before, torch.get_rng_state())
        assert not torch.equal(first, draw(runtime.generator(6, device)))


@NAMES
def test_a_checkpoint_keeps_all_of_it(name, tmp_path):
    model = build(name)
    checkpoints.save(name, model, {}, folder=tmp_path)
    twin = checkpoints.load(name, folder=tmp_path)
    x = examples(model, 7)
    pair = [each.eval().elbo(x, generator=runtime.generator(1)) for each in (model, twin)]
    assert torch.equal(*pair)
    losses = [each.loss(x, generator=runtime.generator(1)) for each in (model, twin)]  # the objective too
    assert torch.equal(*losses)
    assert twin.event_shape == model.event_shape


@NAMES
def test_bad_input_is_refused(name):
    model = build(name)
    x = examples(model, 2)
    with pytest.raises(ValueError, match="expected"):
        model.elbo(torch.cat([x, x], -1))
    with pytest.raises(ValueError, match="NaN"):
        model.elbo(torch.full_like(x, math.nan))
    with pytest.raises(ValueError, match="divide by 255"):
        model.elbo(255 * torch.ones_like(x))
    with pytest.raises(ValueError, match="k is 0"):
        model.importance_bound(x, 0)
    with pytest.raises(ValueError, match="n is 0"):
        model.sample(0)


@NAMES
def test_a_weight_is_the_joint_over_q(name):
    model = build(name, dtype=torch.float64)
    x = examples(model, 9)
    z, log_q = model.infer(x, generator=runtime.generator(7))
    expected = model.log_joint(x, z) - log_q
    torch.testing.assert_close(model.log_weights(x, 1, generator=runtime.generator(7))[0], expected)
    torch.testing.assert_close(
        model.importance_bound(x, 1, generator=runtime.generator(7), chunk=100), expected, msg="k = 1 is one weight"
    )


@NAMES
@pytest.mark.parametrize("draws", [1, 3, 7, 100])
def test_the_importance_bound_is_the_log_of_the_mean_weight(name, draws):
    """draws: of z per example that are worked on at a time; 7 in all."""
    model = build(name, dtype=torch.float64)
    x, k, one, other = examples(model, 9), 7, runtime.generator(7), runtime.generator(7)
    found = model.importance_bound(x, k, generator=one, chunk=draws * len(x))
    sizes = [min(draws, k - done) for done in range(0, k, draws)]
    weights = torch.cat([model.log_weights(x, size, generator=other) for size in sizes])  # (k, B)
    torch.testing.assert_close(found, weights.exp().mean(0).log())


@NAMES
def test_the_probabilities_sum_to_1(name, device):
    total, error = (value.double() for value in probabilities(build(name, device), device))
    assert total.sum().item() == pytest.approx(1, abs=5 * error.square().sum().sqrt().item() + 1e-6)
    assert error.max() < 0.01, "too few draws to say anything"


@NAMES
def test_samples_follow_the_probabilities(name, device):
    model, n = build(name, device), 5_000
    drawn = model.sample(n, generator=runtime.generator(6, device)).flatten(1)
    digits = 2 ** torch.arange(drawn.shape[1] - 1, -1, -1, device=device)
    p, error = probabilities(model, device)
    counts = torch.bincount((drawn.long() * digits).sum(1).cpu(), minlength=len(p)).double()
    variance = n * p + (n * error) ** 2  # of the count, and of what is expected
    often = n * p >= 5
    statistic = ((counts - n * p) ** 2 / variance)[often].sum().item()
    assert scipy.stats.chi2(int(often.sum())).sf(statistic) > ALARM


@NAMES
def test_the_bounds_keep_their_order(name, device):
    """E ELBO <= E importance bound of k <= that of more <= log p, each within five standard errors."""
    model = build(name, device)
    x = all_states(model, device)
    p, error = probabilities(model, device)
    steps = []
    for k in (1, 5, 50):
        many = x.repeat(4_000 // k, *[1] * (x.ndim - 1))
        with torch.no_grad():
            found = model.importance_bound(many, k, generator=runtime.generator(8)).double().cpu()
        groups = found.view(-1, len(x))  # (4000 / k, B)
        steps.append((groups.mean(0), groups.std(0) / math.sqrt(len(groups))))
    steps.append((p.log(), error / p))
    for (low, low_error), (high, high_error) in itertools.pairwise(steps):
        assert (low <= high + 5 * (low_error + high_error) + 1e-6).all()
    assert (steps[0][0] < steps[-1][0] - 1e-3).any(), "q is the exact posterior: this table row shows nothing"


@NAMES
def test_the_loss_reaches_every_parameter(name):
    model = build(name).train()
    model.loss(examples(model, 12), generator=runtime.generator(1)).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() and p.grad.any() for p in model.parameters())
