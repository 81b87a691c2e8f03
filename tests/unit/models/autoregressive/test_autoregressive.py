"""NADE, MADE and MixtureNADE against plain implementations, closed forms and numerical integrals."""

import math

import numpy as np
import pytest
import scipy.special
import torch

from course_lib import runtime
from course_lib.models.autoregressive import MADE, NADE, AnyOrderMADE, MixtureNADE, OrderlessNADE, check_order, nade
from course_lib.models.protocols import configuration
from course_lib.nn.masked import MaskedLinear, degree_masks

ORDER = [3, 0, 5, 1, 4, 2]


def seeded(build, strength=1.0, seed=0):
    runtime.seed(seed)
    model = build()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(strength * torch.randn(parameter.shape))
    return model.double()


def binary(n, *shape, seed=1, p=0.4):
    return (torch.rand(n, *shape, generator=runtime.generator(seed)) < p).double()


def plain_nade(model, x):
    """Equations 3-5 of Larochelle & Murray, one variable at a time, in torch so that gradients can be compared."""
    flat, total = x.flatten(1), 0.0
    for k, d in enumerate(model.order):
        seen = model.c.expand(len(x), -1)
        for earlier in model.order[:k]:
            seen = seen + flat[:, earlier : earlier + 1] * model.W[earlier]
        p = torch.sigmoid(model.b[d] + torch.sigmoid(seen) @ model.V[d])
        total = total + torch.where(flat[:, d] > 0, p, 1 - p).log()
    return total


@pytest.mark.parametrize("chunk", [1, 2, 4, 28])
@pytest.mark.parametrize("order", [None, ORDER])
@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_nade_equals_the_plain_loop_and_so_do_its_gradients(chunk, order, p):
    model = seeded(lambda: NADE(event_shape=(2, 3), hidden=5, order=order, chunk=chunk))
    x = binary(9, 2, 3, p=p)
    torch.testing.assert_close(model.log_prob(x), plain_nade(model, x))
    torch.testing.assert_close(model.log_prob_in_a_loop(x), plain_nade(model, x))
    ours = torch.autograd.grad(model.log_prob(x).mean(), model.parameters())
    plain = torch.autograd.grad(plain_nade(model, x).mean(), model.parameters())
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("p", [0.0, 0.4, 1.0])
def test_both_ways_to_compute_a_chunk_of_nade_agree(p):
    g = runtime.generator(3)
    seen = (torch.rand(7, 5, generator=g) < p).double()
    activation, weights, readout = (torch.randn(n, 4, generator=g).double() for n in (7, 5, 5))
    by_states = nade._by_distinct_states(seen, activation, weights, readout)
    torch.testing.assert_close(nade._by_all_states(seen, activation, weights, readout), by_states)


def test_both_ways_to_update_nades_hidden_states_agree():
    g = runtime.generator(4)
    ones, weight, activation = torch.rand(6, generator=g) < 0.5, torch.randn(4, generator=g), torch.randn(6, 4, generator=g)
    found = [activation.clone(), activation.sigmoid()]
    nade._add_where(ones, weight, *found)
    dense = [activation.clone(), activation.sigmoid()]
    nade._add_everywhere(ones, weight, *dense)
    torch.testing.assert_close(found, dense)
    assert torch.equal(found[0][~ones], activation[~ones])


def test_nade_gradcheck():
    model = seeded(lambda: NADE(event_shape=(5,), hidden=3, chunk=2))
    x = binary(4, 5)
    names = [name for name, _ in model.named_parameters()]

    def log_prob(*values):
        return torch.func.functional_call(model, dict(zip(names, values, strict=True)), (x,))

    model.forward = model.log_prob
    assert torch.autograd.gradcheck(log_prob, [p.detach().requires_grad_() for p in model.parameters()])


def test_a_pixel_is_1_just_when_its_noise_lies_below_its_probability():
    model = seeded(lambda: NADE(event_shape=(1,), hidden=3))
    p = model.conditionals(torch.zeros(1, 1).double()).probs.detach()
    noise = torch.cat([p - 1e-9, p + 1e-9])[..., None]
    assert model.sample_from_noise(noise).flatten().tolist() == [1, 0]
    edge = torch.tensor([0.0, 1 - 2**-53], dtype=torch.double)[:, None, None]
    assert model.sample_from_noise(edge).flatten().tolist() == [1, 0]


def test_made_equals_a_plain_masked_network():
    model = seeded(lambda: MADE(event_shape=(6,), hidden=(8, 8), order=ORDER, residual=True, direct=True))
    place = {d: k for k, d in enumerate(ORDER)}
    seen = [1 + i * 5 // 8 for i in range(8)]  # how many variables each hidden unit may know
    x = binary(7, 6)

    def masked(weight, allowed):
        return weight * torch.tensor([[float(allowed(o, i)) for i in range(weight.shape[1])] for o in range(weight.shape[0])])

    first, second, last = (layer.weight for layer in model.layers)
    h = torch.relu(x @ masked(first, lambda o, i: place[i] < seen[o]).T + model.layers[0].bias)
    h = h + torch.relu(h @ masked(second, lambda o, i: seen[i] <= seen[o]).T + model.layers[1].bias)
    logits = h @ masked(last, lambda o, i: seen[i] <= place[o]).T + model.layers[2].bias
    logits = logits + x @ masked(model.shortcut.weight, lambda o, i: place[i] < place[o]).T
    torch.testing.assert_close(model.conditionals(x).logits, logits)


def test_with_order_shares_weights_and_each_loss_draws_an_order():
    model = seeded(lambda: AnyOrderMADE(event_shape=(6,), hidden=(10,), direct=True))
    other = model.with_order(ORDER)
    assert other.order == ORDER
    assert {p.data_ptr() for p in other.parameters()} == {p.data_ptr() for p in model.parameters()}
    x = binary(6, 6)
    assert not torch.allclose(model.log_prob(x), other.log_prob(x))
    drawn = torch.randperm(6, generator=runtime.generator(5)).tolist()
    torch.testing.assert_close(model.loss(x, generator=runtime.generator(5)), -model.with_order(drawn).log_prob(x).mean())
    assert not hasattr(MADE(event_shape=(6,), hidden=(4,)), "with_order")  # it learned one order only


@pytest.mark.parametrize(
    "build", [lambda: AnyOrderMADE(event_shape=(6,), hidden=(10, 10), direct=True), lambda: OrderlessNADE(event_shape=(6,))]
)
def test_another_order_is_the_model_built_in_that_order_and_draws_no_random_number(build):
    model = build().train()
    x = binary(6, 6).float()
    before, state = model.log_prob(x), torch.get_rng_state()
    other = model.with_order(torch.tensor(ORDER))
    assert torch.equal(torch.get_rng_state(), state)
    twin = type(model)(**{**configuration(model), "order": ORDER})
    twin.load_state_dict(model.state_dict())
    assert torch.equal(other.log_prob(x), twin.log_prob(x))
    assert torch.equal(model.log_prob(x), before)
    assert other.training


def test_mixture_nade_integrates_to_1_in_one_and_two_dimensions():
    line = torch.linspace(-25, 25, 1001, dtype=torch.double)
    step = (line[1] - line[0]).item()
    one = seeded(lambda: MixtureNADE(event_shape=(1,), hidden=4, components=3), 0.3)
    assert one.log_prob(line[:, None]).exp().sum().item() * step == pytest.approx(1, abs=1e-6)
    two = seeded(lambda: MixtureNADE(event_shape=(2,), hidden=4, components=2, order=[1, 0]), 0.2)
    mass = sum(two.log_prob(part).exp().sum().item() for part in torch.cartesian_prod(line, line).split(100_000))
    assert mass * step**2 == pytest.approx(1, abs=1e-4)


def test_mixture_nade_against_a_computation_by_hand():
    model = seeded(lambda: MixtureNADE(event_shape=(3,), hidden=4, components=2, order=[2, 0, 1]), 0.3)
    values = {name: p.detach().numpy() for name, p in model.named_parameters()}
    x, total = np.array([0.3, -1.2, 0.7]), 0.0
    for k, d in enumerate(model.order):
        a = values["c"] + sum(x[e] * values["W"][e] for e in model.order[:k])
        settings = np.maximum(values["rho"][d] * a, 0) @ values["V"][d] + values["b"][d]
        logits, mean, log_scale = settings.reshape(3, 2)
        parts = -0.5 * ((x[d] - mean) / np.exp(log_scale)) ** 2 - log_scale - 0.5 * math.log(2 * math.pi)
        total += scipy.special.logsumexp(scipy.special.log_softmax(logits) + parts)
    assert model.log_prob(torch.from_numpy(x)[None]).item() == pytest.approx(total)


def test_a_gaussian_of_mixture_nade_keeps_a_smallest_scale():
    model = MixtureNADE(event_shape=(2,), hidden=4, components=2)
    with torch.no_grad():
        model.b[:, 4:] = -30.0  # both log-scales of both variables
    conditionals = model.conditionals(torch.zeros(1, 2))
    torch.testing.assert_close(conditionals.component_distribution.scale, torch.full((1, 2, 2), 0.01))
    for bad in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(ValueError, match="smallest_scale"):
            MixtureNADE(event_shape=(2,), smallest_scale=bad)


def test_training_a_mixture_nade_on_a_repeated_point_does_not_diverge():
    runtime.seed(0)
    model = MixtureNADE(event_shape=(2,), hidden=6, components=2)
    x = torch.tensor([[0.3, -0.7]]).repeat(20, 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(400):
        optimiser.zero_grad()
        model.loss(x).backward()
        optimiser.step()
    highest = -2 * (math.log(0.01) + 0.5 * math.log(2 * math.pi))  # of two Gaussians of the smallest scale
    assert model.log_prob(x).max().item() <= highest + 1e-3


def test_orders():
    assert check_order(None, 3) == [0, 1, 2]
    assert check_order(torch.tensor([2, 0, 1]), 3) == [2, 0, 1]
    kept = check_order(np.array([2, 0, 1]), 3)
    assert all(type(d) is int for d in kept)  # JSON cannot keep NumPy's
    for bad in ([0, 0, 1], [0, 1], [1, 2, 3], [0.0, 1.0, 2.0], ["a", 1, 2]):
        with pytest.raises(ValueError, match="order h"):
            check_order(bad, 3)


@pytest.mark.parametrize("kind", [NADE, MADE, MixtureNADE])
def test_constructors_refuse_what_they_cannot_build(kind):
    for shape in (784, (), (0, 3), ("a",), (2.5,)):
        with pytest.raises(ValueError, match="event_shape is"):
            kind(event_shape=shape)
    for hidden in (0, -1, 2.5, ()):
        with pytest.raises(ValueError, match="hidden"):
            kind(event_shape=(3,), hidden=hidden)
    with pytest.raises(TypeError):
        kind((3,))


def test_made_refuses_widths_that_a_residual_cannot_add():
    with pytest.raises(ValueError, match="hidden is 500"):
        MADE(event_shape=(3,), hidden=500)
    with pytest.raises(ValueError, match="equal widths"):
        MADE(event_shape=(3,), hidden=(4, 5), residual=True)


@pytest.mark.parametrize("build", [lambda: NADE(event_shape=(3,)), lambda: MADE(event_shape=(3,), hidden=(4,))])
def test_complete_refuses_known_values_that_are_not_binary(build):
    known = torch.tensor([True, False, False])
    with pytest.raises(ValueError, match="binarise"):
        build().complete(torch.tensor([[0.5, 0.0, 0.0]]), known)
    with pytest.raises(ValueError, match="expected"):
        build().complete(torch.zeros(2, 4), known)


def test_degree_masks_and_masked_linear():
    masks = degree_masks([torch.tensor([1, 2, 3]), torch.tensor([1, 2]), torch.tensor([0, 1, 2])])
    assert masks[0].int().tolist() == [[1, 0, 0], [1, 1, 0]]
    assert masks[1].int().tolist() == [[0, 0], [1, 0], [1, 1]]
    layer = MaskedLinear(3, 2, masks[0])
    x = torch.randn(4, 3)
    torch.testing.assert_close(layer(x), x @ (layer.weight * masks[0].float()).T + layer.bias)
    torch.testing.assert_close(layer(x, torch.ones(2, 3)), x @ layer.weight.T + layer.bias)
    assert "mask" not in layer.state_dict()
