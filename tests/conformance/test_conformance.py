"""What every model must keep, whatever it is: its protocol, its probabilities, its order. On CPU and, if present, CUDA."""

import inspect
import itertools
import json
import math

import draws
import pytest
import scipy.stats
import torch
from configs import BINARY, BUILD, GAUSSIAN, ORDERED, TABLES, build, examples

from course_lib import runtime
from course_lib.models.autoregressive import AutoregressiveModel
from course_lib.models.protocols import ExplicitModel, configuration

ALARM = 1e-6  # chance that a right sampler fails one test
SMALL = [name for name in BINARY if math.prod(build(name).event_shape) <= 8]
BINARY_ORDERED = [name for name in ORDERED if name in BINARY]


def all_states(event_shape, device="cpu"):
    states = torch.tensor(list(itertools.product([0.0, 1.0], repeat=math.prod(event_shape))), device=device)
    return states.reshape(-1, *event_shape)


def parameters_of(conditionals):
    """Every number that says what the conditionals are, (B, D, P), for models over event shapes of any kind."""
    if hasattr(conditionals, "component_distribution"):
        parts = [conditionals.mixture_distribution.logits, conditionals.component_distribution.loc]
        return torch.stack([*parts, conditionals.component_distribution.scale], -1).flatten(-2)
    if hasattr(conditionals, "loc"):
        return torch.stack([conditionals.loc, conditionals.scale], -1)
    return conditionals.probs[..., None]


@pytest.mark.parametrize("name", BUILD)
def test_protocol(name, device, capsys):
    model = build(name, device)
    assert isinstance(model, ExplicitModel)
    assert isinstance(model.event_shape, tuple)
    signature = inspect.signature(type(model).__init__).parameters.values()
    assert all(p.kind is p.KEYWORD_ONLY for p in signature if p.name != "self")
    x = model.sample(5, generator=runtime.generator(3, device))
    assert x.shape == (5, *model.event_shape)
    assert not x.requires_grad
    assert x.dtype == torch.float32
    log_prob = model.log_prob(x)
    assert log_prob.shape == (5,)
    assert torch.isfinite(log_prob).all()
    torch.testing.assert_close(model.log_prob(x[3:4]), log_prob[3:4], rtol=1e-4, atol=1e-5)  # one row knows nothing of another
    assert model.log_prob(x[:0]).shape == (0,)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("name", BUILD)
def test_sampling_depends_on_the_generator_alone(name, device):
    draws.depend_on_the_generator_alone(build(name, device), device)


@pytest.mark.parametrize("name", BUILD)
def test_configuration_round_trip(name):
    model = build(name)
    twin = type(model)(**json.loads(json.dumps(configuration(model))))
    twin.load_state_dict(model.state_dict())
    x = examples(model, name, 7)
    assert torch.equal(twin.eval().log_prob(x), model.log_prob(x))
    assert twin.event_shape == model.event_shape


@pytest.mark.parametrize("name", BUILD)
def test_bad_input_is_refused(name):
    model = build(name)
    x = examples(model, name, 2)
    with pytest.raises(ValueError, match="expected"):
        model.log_prob(x.flatten()[None, :-1].expand(2, -1).repeat(1, 3)[:, : 3 * x.numel() - 4])
    with pytest.raises(ValueError, match="NaN"):
        model.log_prob(torch.full_like(x, math.nan))
    if name in BINARY:
        with pytest.raises(ValueError, match="divide by 255"):
            model.log_prob(255 * torch.ones_like(x))


@pytest.mark.parametrize("name", BINARY)
def test_probabilities_sum_to_1(name, device):
    model = build(name, device)
    if math.prod(model.event_shape) > 12:
        pytest.fail("a conformance configuration has at most 12 variables")
    total = model.log_prob(all_states(model.event_shape, device)).double().exp().sum().item()
    assert total == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", SMALL)
def test_samples_follow_the_probabilities(name, device):
    model, n = build(name, device), 20_000
    states = all_states(model.event_shape, device)
    expected = n * model.log_prob(states).detach().double().exp().cpu()
    drawn = model.sample(n, generator=runtime.generator(6, device)).flatten(1)
    digits = 2 ** torch.arange(drawn.shape[1] - 1, -1, -1, device=device)
    counts = torch.bincount((drawn.long() * digits).sum(1).cpu(), minlength=len(states)).double()
    often = expected >= 5  # the rare states together make one class
    counts = torch.cat([counts[often], counts[~often].sum()[None]])
    expected = torch.cat([expected[often], expected[~often].sum()[None]])
    keep = expected > 0
    assert counts[~keep].sum() == 0
    assert scipy.stats.chisquare(counts[keep].numpy(), expected[keep].numpy(), sum_check=False).pvalue > ALARM


@pytest.mark.parametrize("name", ORDERED)
def test_log_prob_is_the_sum_of_the_conditionals_and_loss_its_mean(name, device):
    model = build(name, device)
    assert isinstance(model, AutoregressiveModel)
    assert sorted(model.order) == list(range(model.dimensions))
    x = examples(model, name, 9)
    conditionals = model.conditionals(x)
    assert conditionals.batch_shape == x.shape
    log_prob = model.log_prob(x)
    torch.testing.assert_close(conditionals.log_prob(x).flatten(1).sum(1), log_prob)
    if not hasattr(model, "with_order"):  # trained under random orders
        torch.testing.assert_close(model.loss(x), -log_prob.mean())
    assert model.loss(x).shape == ()


def moved(model, name, n=24):
    """moved[j, k]: did changing the j-th variable move the k-th conditional, both in the order, in any of n examples?"""
    x = examples(model, name, n)
    before = parameters_of(model.conditionals(x)).reshape(n, model.dimensions, -1)
    table = torch.zeros(model.dimensions, model.dimensions, dtype=torch.bool)
    for j, d in enumerate(model.order):
        other = x.clone().flatten(1)
        other[:, d] = 1 - other[:, d] if name in BINARY else other[:, d] + 1.7
        after = parameters_of(model.conditionals(other.reshape(x.shape))).reshape(n, model.dimensions, -1)
        table[j] = ((after - before).abs() > 1e-9).any(-1).any(0)[model.order].cpu()
    return table


def context(model, name):
    """What the model says that each conditional sees: context[j, k] for positions in the order."""
    if name in TABLES:
        parents = model.parents
        return torch.tensor([[j in parents[k] for k in model.order] for j in model.order])
    return torch.ones(model.dimensions, model.dimensions, dtype=torch.bool).triu(1)


@pytest.mark.parametrize("name", ORDERED)
def test_autoregressive_by_perturbation(name, device):
    model = build(name, device, torch.float64)
    table = moved(model, name)
    assert not table.tril().any(), "a conditional saw itself or a variable after it"
    assert torch.equal(table, context(model, name)), "a conditional does not see what it should"


@pytest.mark.parametrize("name", [name for name in ORDERED if name not in TABLES])
def test_autoregressive_by_autograd(name, device):
    model = build(name, device, torch.float64)
    model.check = lambda x: x  # differentiate in the data, also between 0 and 1
    x = examples(model, name, 1)

    def numbers(values):
        return parameters_of(model.conditionals(values)).reshape(model.dimensions, -1).sum(1)[model.order]

    jacobian = torch.autograd.functional.jacobian(numbers, x).reshape(model.dimensions, model.dimensions)[:, model.order]
    assert not jacobian.triu().any(), "a derivative runs against the order"
    assert jacobian.any() or model.dimensions == 1


@pytest.mark.parametrize("name", ORDERED)
def test_the_cached_sampler_gives_what_the_slow_one_gives(name, device):
    model = build(name, device)
    noise = model.noise(64, runtime.generator(8, device))
    with torch.no_grad():
        fast = model.sample_from_noise(noise)
        slow = AutoregressiveModel.sample_from_noise(model, noise)
        torch.testing.assert_close(fast, slow)
        x = examples(model, name, 64).flatten(1)
        start = torch.arange(64, device=device) % (model.dimensions + 1)
        fast = model.sample_from_noise(noise, x, start)
        slow = AutoregressiveModel.sample_from_noise(model, noise, x, start)
    torch.testing.assert_close(fast, slow)
    kept = torch.arange(model.dimensions, device=device) < start[:, None]
    assert torch.equal(fast[:, model.order][kept], x[:, model.order][kept])


@pytest.mark.parametrize("name", [name for name in BUILD if name not in GAUSSIAN])  # a mixture stays in float64
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_samples_have_the_parameters_dtype_and_densities_at_least_float32(name, dtype):
    model = build(name, dtype=dtype)
    x = model.sample(4, generator=runtime.generator(1))
    assert x.dtype == dtype
    assert model.log_prob(x).dtype == torch.promote_types(dtype, torch.float32)
    assert model.log_prob(x).isfinite().all()


@pytest.mark.parametrize("name", BINARY_ORDERED)
@pytest.mark.parametrize("value", [0.5, 255.0])
def test_complete_checks_what_it_keeps_as_conditionals_do(name, value):
    model = build(name)
    x = torch.full((2, *model.event_shape), value)
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        model.complete(x, torch.ones(model.event_shape, dtype=torch.bool))


@pytest.mark.parametrize("name", [name for name in ORDERED if build(name).dimensions > 1])
def test_complete_refuses_known_variables_that_come_late(name):
    model = build(name)
    x = examples(model, name, 3)
    late = torch.zeros(model.dimensions, dtype=torch.bool)
    late[model.order[-1]] = True
    with pytest.raises(ValueError, match="come first in the model's order"):
        model.complete(x, late.reshape(model.event_shape))
    with pytest.raises(ValueError, match="expected booleans"):
        model.complete(x, late.float().reshape(model.event_shape))


@pytest.mark.parametrize("name", [name for name in BINARY_ORDERED if 2 < build(name).dimensions <= 6])
def test_complete_follows_the_exact_conditional(name, device):
    model, n = build(name, device), 10_000
    first = model.order[:2]
    x = torch.full((n, model.dimensions), math.nan, device=device)  # the erased part may hold anything
    x[:, first] = torch.tensor([1.0, 0.0], device=device)
    known = ~torch.isnan(x)
    shape = (n, *model.event_shape)
    done = model.complete(x.reshape(shape), known.reshape(shape), generator=runtime.generator(9, device)).flatten(1)
    assert torch.equal(done[:, first], x[:, first])
    states = all_states((model.dimensions,), device)
    states = states[(states[:, first] == x[0, first]).all(1)]
    probs = model.log_prob(states.reshape(-1, *model.event_shape)).detach().double().softmax(0).cpu()
    counts = (done[:, None] == states).all(2).sum(0).cpu().double()
    keep = n * probs >= 5
    counts, expected = (torch.cat([t[keep], t[~keep].sum()[None] + 1e-9]) for t in (counts, n * probs))
    assert scipy.stats.chisquare(counts.numpy(), expected.numpy(), sum_check=False).pvalue > ALARM
