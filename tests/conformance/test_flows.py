"""What every flow must keep: its protocol, its round trip, its determinant, a mass of 1, samples that follow the density."""

import inspect
import math

import draws
import pytest
import scipy.stats
import torch
from flows import BUILD, UNIT, build, examples

from course_lib import runtime
from course_lib.models.protocols import FlowModel
from course_lib.training import checkpoints

ALARM = 1e-6  # chance that a right model fails one test
NAMES = pytest.mark.parametrize("name", BUILD)
PLANE = [name for name in BUILD if build(name).event_shape == (2,)]


@NAMES
def test_protocol(name, device, capsys):
    model = build(name, device)
    assert isinstance(model, FlowModel)
    assert isinstance(model.event_shape, tuple)
    signature = inspect.signature(type(model).__init__).parameters.values()
    assert all(p.kind is p.KEYWORD_ONLY for p in signature if p.name != "self")
    x = model.sample(5, generator=runtime.generator(3, device))
    assert x.shape == (5, *model.event_shape)
    assert not x.requires_grad
    assert x.isfinite().all()
    x = examples(model, name, 5)
    log_prob = model.log_prob(x)
    assert log_prob.shape == (5,)
    torch.testing.assert_close(model.log_prob(x[3:4]), log_prob[3:4], rtol=1e-4, atol=1e-4)
    assert model.log_prob(x[:0]).shape == (0,)
    torch.testing.assert_close(model.loss(x), -log_prob.mean())
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@NAMES
def test_sampling_depends_on_the_generator_alone(name, device):
    draws.depend_on_the_generator_alone(build(name, device), device)


@NAMES
def test_the_round_trip_and_the_determinant(name):
    model = build(name, dtype=torch.float64)
    x = examples(model, name, 4)
    z, forward = model.to_latent(x)
    back, backward = model.to_data(z.detach())
    assert z.shape == x.shape
    torch.testing.assert_close(back, x, rtol=0, atol=1e-7)
    torch.testing.assert_close(backward, -forward, rtol=0, atol=1e-5)
    size = math.prod(model.event_shape)
    for row, found in zip(x, forward, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda v: model.to_latent(v[None])[0][0], row).reshape(size, size)
        torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, found, rtol=0, atol=1e-5)


@NAMES
def test_float32_comes_back(name, device):
    model = build(name, device)
    x = examples(model, name, 50)
    z, log_abs_det = model.to_latent(x)
    assert z.dtype == log_abs_det.dtype == torch.float32
    torch.testing.assert_close(model.to_data(z)[0], x, rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", PLANE)
def test_the_density_has_a_total_mass_of_1(name):
    """In the plane, by the middles of the squares of a fine grid."""
    model = build(name, dtype=torch.float64)
    low, high, count = (0.0, 1.0, 500) if name in UNIT else (-12.0, 12.0, 300)
    side = (torch.arange(count, dtype=torch.double) + 0.5) * (high - low) / count + low
    with torch.no_grad():
        total = model.log_prob(torch.cartesian_prod(side, side)).exp().sum().item() * ((high - low) / count) ** 2
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", PLANE)
def test_samples_follow_the_density(name, device):
    """The log-density of samples against that of points drawn from the density on a grid: the same distribution."""
    model = build(name, device)
    low, high, count = (0.0, 1.0, 300) if name in UNIT else (-10.0, 10.0, 300)
    side = (torch.arange(count, device=device) + 0.5) * (high - low) / count + low
    points = torch.cartesian_prod(side, side)
    with torch.no_grad():
        log_prob = model.log_prob(points)
        chosen = torch.multinomial(log_prob.exp().cpu(), 4_000, replacement=True, generator=runtime.generator(6))
        made = model.sample(4_000, generator=runtime.generator(7, device))
    for column in range(2):
        step = (torch.rand(4_000, generator=runtime.generator(8)) - 0.5) * (high - low) / count
        found = scipy.stats.ks_2samp(made[:, column].cpu().numpy(), (points[chosen, column].cpu() + step).numpy())
        assert found.pvalue > ALARM


@NAMES
def test_a_checkpoint_keeps_all_of_it(name, tmp_path):
    model = build(name)
    checkpoints.save(name, model, {}, folder=tmp_path)
    twin = checkpoints.load(name, folder=tmp_path)
    x = examples(model, name, 7)
    assert torch.equal(twin.log_prob(x), model.log_prob(x))
    assert twin.event_shape == model.event_shape


@NAMES
def test_bad_input_is_refused(name):
    model = build(name)
    x = examples(model, name, 2)
    with pytest.raises(ValueError, match="expected"):
        model.log_prob(torch.cat([x, x], -1))
    with pytest.raises(ValueError, match="NaN"):
        model.log_prob(torch.full_like(x, math.nan))
    with pytest.raises(ValueError, match="expected"):
        model.to_data(torch.cat([x, x], -1))


@pytest.mark.parametrize("name", [name for name in BUILD if not name.startswith("gaussianisation")])
def test_the_loss_reaches_every_parameter(name):
    model = build(name).train()
    model.loss(examples(model, name, 12)).backward()
    assert all(p.grad is not None and torch.isfinite(p.grad).all() and p.grad.any() for p in model.parameters())
