"""What every energy model must keep: its protocol, its draws, its configuration, and what it refuses."""

import inspect
import json
import math

import draws
import pytest
import torch
from energies import BINARY, BUILD

from course_lib import runtime
from course_lib.metrics import partition
from course_lib.models.protocols import EnergyModel, ExplicitModel, configuration

every_model = pytest.mark.parametrize("name", BUILD)


@every_model
def test_protocol(name, device, capsys):
    model = BUILD[name]().to(device)
    assert isinstance(model, EnergyModel)
    assert not isinstance(model, ExplicitModel)
    assert not hasattr(model, "log_prob")
    assert all(p.kind is p.KEYWORD_ONLY for p in inspect.signature(type(model).__init__).parameters.values() if p.name != "self")
    x = model.sample(5, generator=runtime.generator(3, device)).to(device)
    assert x.shape == (5, *model.event_shape)
    assert not x.requires_grad
    energy = model.energy(x)
    assert energy.shape == (5,)
    assert energy.isfinite().all()
    torch.testing.assert_close(model.energy(x[3:4]), energy[3:4])
    assert model.energy(x[:0]).shape == (0,)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@every_model
def test_sampling_depends_on_the_generator_alone(name, device):
    draws.depend_on_the_generator_alone(BUILD[name]().to(device), device, n=40)


@every_model
def test_configuration_round_trip(name):
    model = BUILD[name]()
    twin = type(model)(**json.loads(json.dumps(configuration(model)))).double()
    twin.load_state_dict(model.state_dict())
    x = model.sample(7, generator=runtime.generator(1))
    assert torch.equal(twin.energy(x), model.energy(x))


@every_model
def test_the_energy_is_differentiable(name):
    model = BUILD[name]()
    x = model.sample(3, generator=runtime.generator(1)).requires_grad_(True)
    slope = torch.autograd.grad(model.energy(x).sum(), x)[0]
    assert slope.isfinite().all()
    assert slope.abs().max() > 0


@every_model
def test_bad_input_is_refused(name):
    model = BUILD[name]()
    x = model.sample(2, generator=runtime.generator(1))
    with pytest.raises(ValueError, match="expected"):
        model.energy(x[..., None])
    with pytest.raises(ValueError, match="NaN"):
        model.energy(torch.full_like(x, math.nan))
    if name in BINARY:
        with pytest.raises(ValueError, match="divide by 255"):
            model.energy(255 * torch.ones_like(x))


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_samples_and_energies_have_the_type_of_the_parameters(name, dtype):
    model = BUILD[name]().to(dtype)
    x = model.sample(3, generator=runtime.generator(1))
    assert x.dtype == dtype
    assert model.energy(x.double()).dtype == dtype


@pytest.mark.parametrize("name", BINARY)
def test_exact_and_annealed_log_z_agree_on_every_device(name, device):
    model = BUILD[name]().to(device)
    generator = runtime.generator(0, device)
    exact = model.normalised()
    x = exact.sample(300, generator=generator)
    assert x.device.type == torch.device(device).type
    found = partition.annealed_log_partition(model, steps=200, chains=200, generator=generator).log_z
    assert found == pytest.approx(exact.log_partition().item(), abs=0.2)
    back = partition.reverse_nats(model, x, steps=100, generator=generator)
    assert back.mean == pytest.approx(-exact.log_prob(x).mean().item(), abs=0.2)
