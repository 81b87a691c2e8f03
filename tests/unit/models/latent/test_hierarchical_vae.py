"""The ladder VAE: bounds in their order against brute quadrature, KL level by level, one level is the flat VAE, warm-up."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.distributions import gaussian_log_prob
from course_lib.models.latent import VAE
from course_lib.models.latent.hierarchical_vae import HierarchicalVAE
from course_lib.training import GradientStep

SHAPE = (1, 3, 2)


def model(**arguments) -> HierarchicalVAE:
    runtime.seed(arguments.pop("seed", 0))
    built = HierarchicalVAE(**{"event_shape": SHAPE, "latents": (1, 1), "hidden": ((8,), (6,)), **arguments}).double().eval()
    g = runtime.generator(1)
    with torch.no_grad():
        for name, parameter in built.named_parameters():  # so that every dependency shows, and q covers the posterior
            parameter.add_((0.1 if name.startswith("heads") else 0.4) * torch.randn(parameter.shape, generator=g))
    return built.requires_grad_(False)


def all_pictures() -> torch.Tensor:
    return torch.cartesian_prod(*[torch.tensor([0.0, 1.0], dtype=torch.double)] * 6).reshape(64, *SHAPE)


def by_quadrature(net: HierarchicalVAE, x: torch.Tensor, points: int = 241) -> torch.Tensor:
    """log p(x) of a model with one latent variable in each of two levels, by the trapezoid rule over both noises."""
    grid = torch.linspace(-8, 8, points, dtype=torch.double)
    top, low = (axis.reshape(-1, 1) for axis in torch.meshgrid(grid, grid, indexing="ij"))
    z = net.from_noise((low, top))
    weight = gaussian_log_prob(low)[:, 0] + gaussian_log_prob(top)[:, 0] + 2 * math.log(16 / (points - 1))
    likelihood = torch.stack(
        [net.decode(z[0]).log_prob(one.expand(len(z[0]), *SHAPE)).flatten(1).sum(1) for one in x]
    )  # (B, points^2)
    return torch.logsumexp(likelihood + weight, 1)


def test_the_quadrature_is_a_distribution():
    assert by_quadrature(model(), all_pictures()).exp().sum().item() == pytest.approx(1, abs=1e-8)


@pytest.mark.parametrize("inference", ["ladder", "upward"])
def test_elbo_below_importance_bound_below_log_p(inference):
    net, x, draws = model(inference=inference), all_pictures()[[0, 5, 21, 63]], 20_000
    exact = by_quadrature(net, x)
    weights = net.log_weights(x, draws, generator=runtime.generator(1))  # (draws, B)
    five = torch.logsumexp(weights.view(-1, 5, len(x)), 1) - math.log(5)
    elbo = net.parts(x.repeat(draws, 1, 1, 1), generator=runtime.generator(2))
    elbo = (elbo[0] - elbo[1].sum(1)).view(draws, len(x))
    error = elbo.std(0) / math.sqrt(draws) + five.std(0) / math.sqrt(len(five))
    assert (elbo.mean(0) < five.mean(0) - 3 * error).all()
    assert (five.mean(0) < exact + 3 * error).all()
    all_draws = torch.logsumexp(weights, 0) - math.log(draws)
    assert torch.allclose(all_draws, exact, atol=0.03)
    assert (elbo.mean(0) < exact - 0.03).all()


def test_kl_of_the_levels_adds_up():
    """Closed form level by level against log q - log p of the same kind of draws."""
    net, x, g = model(latents=(3, 2)), all_pictures()[[3, 40]].repeat(30_000, 1, 1, 1), runtime.generator(2)
    z, log_q = net.infer(x, generator=g)
    likelihood = net.decode(z[0]).log_prob(x).flatten(1).sum(1)
    drawn = (log_q - net.log_joint(x, z) + likelihood).reshape(-1, 2)  # log q(z | x) - log p(z)
    kl = net.parts(x, generator=g)[1].sum(1).reshape(-1, 2)
    error = (drawn.std(0) + kl.std(0)) / math.sqrt(len(drawn))
    assert ((drawn.mean(0) - kl.mean(0)).abs() < 5 * error).all()
    assert (error < 0.05 * kl.mean(0)).all()
    each = net.parts(x, generator=g)[1]
    assert each.shape == (len(x), 2)
    assert (each >= 0).all()


def test_elbo_is_likelihood_less_all_kl_and_both_ways_agree():
    net, x = model(latents=(3, 2, 2), hidden=((8,), (6,), (5,))), all_pictures().repeat(500, 1, 1, 1)
    likelihood, kl = net.parts(x, generator=runtime.generator(3))
    assert torch.equal(net.elbo(x, generator=runtime.generator(3)), likelihood - kl.sum(1))
    plain = net.log_weights(x, 1, generator=runtime.generator(4))[0]  # from infer and log_joint alone
    analytic = net.elbo(x, generator=runtime.generator(5))
    assert abs(plain.mean() - analytic.mean()) < 5 * (plain.std() + analytic.std()) / math.sqrt(len(x))


def test_one_level_is_the_flat_vae():
    runtime.seed(0)
    flat = VAE(event_shape=SHAPE, latent=4, hidden=(9, 7), mean=0.2, spread=0.4)
    one = HierarchicalVAE(event_shape=SHAPE, latents=(4,), hidden=((9, 7),), mean=0.2, spread=0.4)
    pairs = zip((*flat.encoder, *flat.decoder), (*one.up[0], one.heads[0], *one.down[0]), strict=True)
    for mine, other in pairs:
        other.load_state_dict(mine.state_dict())
    with torch.no_grad():  # LIMIT * tanh(s / LIMIT) is s for a small log of the scale
        for layer in (flat.encoder[-1], one.heads[0]):
            layer.weight[4:] *= 1e-4
            layer.bias[4:] *= 1e-4
    x = all_pictures().float()
    found, expected = (m.elbo(x, generator=runtime.generator(1)) for m in (one, flat))
    assert torch.allclose(found, expected, atol=1e-4)
    z, _ = flat.infer(x, generator=runtime.generator(2))
    assert torch.allclose(one.log_joint(x, (z,)), flat.log_joint(x, z), atol=1e-4)


def test_the_ladder_hears_the_level_above_and_upward_does_not():
    x = all_pictures()[:1]
    for inference, hears in (("ladder", True), ("upward", False)):
        net = model(latents=(2, 2), inference=inference)
        seen = {net.descend(x, generator=runtime.generator(seed))[1][0].mean[0, 0].item() for seed in range(5)}
        assert (len(seen) > 1) == hears


def test_noise_round_trip_and_keeping_a_level():
    net = model(latents=(3, 2, 2), hidden=((8,), (6,), (5,)))
    noise = net.noise(7, runtime.generator(0))
    z = net.from_noise(noise)
    for given, back in zip(noise, net.noise_of(z), strict=True):
        assert torch.allclose(given, back, atol=1e-8)
    other = (noise[0], noise[1] + 1, noise[2])  # the middle level alone is drawn anew
    changed = net.from_noise(other)
    assert torch.equal(changed[2], z[2])  # what is above stays
    assert not torch.allclose(changed[0], z[0])  # what is below follows


def test_samples_follow_the_quadrature():
    net = model()
    drawn = net.sample(40_000, generator=runtime.generator(0)).flatten(1)
    index = (drawn @ (2.0 ** torch.arange(5, -1, -1)).to(drawn)).long()
    found = torch.bincount(index, minlength=64) / len(drawn)
    exact = by_quadrature(net, all_pictures()).exp()
    assert (found - exact).abs().max() < 5 * math.sqrt(exact.max().item() / len(drawn))


def test_the_kl_counts_by_the_steps_done_before():
    """The weight of step s, the first being 0, is s / warm_up, at most 1: a weight that is off by one step is seen here."""
    net, x = model(warm_up=4).train(), all_pictures()
    likelihood, kl = net.parts(x, generator=runtime.generator(0))
    nats, distortion = kl.sum(1).mean().item(), -likelihood.mean().item()
    for step, weight in enumerate([0.0, 0.25, 0.5, 0.75, 1.0, 1.0]):
        net.before_step(x, step)
        assert net.kl_weight.item() == weight
        assert net.loss(x, generator=runtime.generator(0)).item() == pytest.approx(weight * nats + distortion)
    assert HierarchicalVAE(event_shape=SHAPE, latents=(2,), hidden=((4,),)).kl_weight == 1.0


def test_a_gradient_step_trains_with_the_weight_of_its_own_count():
    net, x, seen = HierarchicalVAE(event_shape=SHAPE, latents=(1,), hidden=((4,),), warm_up=3), all_pictures().float(), []
    loss = net.loss
    net.loss = lambda *given, **named: (seen.append(net.kl_weight.item()), loss(*given, **named))[1]
    step = GradientStep(net)
    for _ in range(5):
        step(x)
    assert seen == pytest.approx([0, 1 / 3, 2 / 3, 1, 1])


@pytest.mark.parametrize("mode", [True, False])
def test_the_loss_changes_no_state(mode):
    net, x = model(warm_up=4).train(mode), all_pictures()
    net.before_step(x, 2)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    losses = [net.loss(x, generator=runtime.generator(0)).item() for _ in range(3)]
    assert losses[0] == losses[1] == losses[2]
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_parameters_under_their_earlier_names_are_loaded():
    net, other = model(), model(seed=1)
    earlier = {key.replace("heads.", "evidence."): value for key, value in net.state_dict().items()}
    assert any(key.startswith("evidence") for key in earlier)
    other.load_state_dict(earlier)
    assert all(torch.equal(value, other.state_dict()[key]) for key, value in net.state_dict().items())


def test_densities_are_float32_under_autocast():
    net, x = model().float(), all_pictures().float()
    plain = net.elbo(x, generator=runtime.generator(0))
    with torch.autocast("cpu", torch.bfloat16):
        mixed = net.elbo(x, generator=runtime.generator(0))
        assert {q.log_scale.dtype for q in net.read(x)} == {torch.float32}
        assert net.loss(x).dtype == torch.float32
    assert mixed.dtype == torch.float32
    torch.testing.assert_close(mixed, plain, atol=0.3, rtol=0)


def test_bad_arguments_say_what_was_expected():
    for arguments, words in (
        ({"latents": (3, 2), "hidden": ((8,),)}, "for each level"),
        ({"latents": (), "hidden": ()}, "for each level"),
        ({"inference": "down"}, "expected one of"),
        ({"warm_up": -1}, "warm_up is -1"),
        ({"warm_up": 2.5}, "warm_up is 2.5"),
        ({"mean": 1.0}, "mean of binary data"),
        ({"mean": math.nan}, "mean is nan"),
        ({"spread": 0}, "spread is 0"),
        ({"spread": math.nan}, "spread is nan"),
    ):
        with pytest.raises(ValueError, match=words):
            HierarchicalVAE(**{"event_shape": SHAPE, "latents": (2, 2), "hidden": ((4,), (4,)), **arguments})
    with pytest.raises(ValueError, match="steps is -1"):
        model().before_step(all_pictures(), -1)
    with pytest.raises(ValueError, match="z_1 has shape"):
        model().decode(torch.zeros(2, 3).double())
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        model().elbo(torch.full((1, *SHAPE), 0.5).double())
