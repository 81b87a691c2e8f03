"""Networks of the velocity: what they learn, labels and their null row, guidance, units, and what is refused."""

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.models.diffusion import paths, samplers
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.latent_flow import LatentFlow
from course_lib.models.diffusion.point_set import PointSetFlow
from course_lib.nn.velocity import TimedDense, TimedUNet
from course_lib.training import GradientStep, checkpoints


def flow(**settings):
    return VelocityFlow(network=TimedDense(size=2, width=16, blocks=1, rows=4), event_shape=(2,), classes=3, **settings)


def stirred(model, seed=0):
    """The model with parameters far from their start, so that every dependency shows."""
    generator = runtime.generator(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return model.eval()


def test_a_trained_network_comes_near_to_the_exact_velocity():
    runtime.seed(0)
    points = torch.tensor([[1.0, 1.0], [-1.0, 0.0], [0.5, -1.0]])
    exact = PointSetFlow(points=points, scale=0.3)
    model = VelocityFlow(network=TimedDense(size=2, width=32, blocks=1), event_shape=(2,))
    step, generator = GradientStep(model, lr=1e-2, total_steps=150), runtime.generator(1)

    def error():
        t = torch.linspace(0.2, 0.9, 500)
        x = exact.noise(exact.draw(500, generator=runtime.generator(2)), t, generator=runtime.generator(3))
        with torch.no_grad():
            return (model.velocity(x, t) - exact.velocity(x, t)).square().mean().item()

    before = error()
    for _ in range(150):
        step(exact.draw(64, generator=generator))
    assert error() < before / 4


def test_the_exact_velocity_has_the_least_loss():
    exact = PointSetFlow(points=torch.tensor([[1.0], [-1.0]]), scale=0.2)
    x = exact.draw(20_000, generator=runtime.generator(0))

    class Off(PointSetFlow):
        def velocity(self, x, t):
            return super().velocity(x, t) + 0.3

    off = Off(points=exact.points, scale=0.2)
    least, more = (model.loss(x, generator=runtime.generator(1)).item() for model in (exact, off))
    assert more - least == pytest.approx(0.09, abs=0.02)


def test_labels_are_dropped_to_the_null_row_at_the_rate_asked_for(monkeypatch):
    model, seen = flow(drop=0.2), []
    monkeypatch.setattr(model, "velocity", lambda x, t, y: seen.append(y) or torch.zeros_like(x))
    y = torch.arange(20_000) % 3
    model.loss((torch.zeros(20_000, 2), y), generator=runtime.generator(0))
    assert (seen[0] == 3).double().mean().item() == pytest.approx(0.2, abs=0.012)
    assert torch.equal(seen[0][seen[0] < 3], y[seen[0] < 3])


def test_guidance_0_is_unconditional_1_conditional_and_between_and_beyond_it_is_linear():
    model, x, t = stirred(flow()), torch.randn(5, 2, generator=runtime.generator(1)), torch.linspace(0.1, 1, 5)
    free, given = model.velocity(x, t), model.velocity(x, t, 2)
    assert (free - given).abs().max() > 1e-3
    for w, wanted in ((0.0, free), (1.0, given), (0.5, (free + given) / 2), (3.0, 3 * given - 2 * free)):
        torch.testing.assert_close(model.given(2, w).velocity(x, t), wanted, rtol=1e-4, atol=1e-5)


def test_a_class_per_example_and_mixtures_of_classes():
    model, x, t = stirred(flow()), torch.randn(3, 2, generator=runtime.generator(1)), torch.full((3,), 0.5)
    y = torch.tensor([2, 0, 1])
    rows = [model.velocity(x[i : i + 1], t[:1], int(y[i])) for i in range(3)]
    torch.testing.assert_close(model.given(y).velocity(x, t), torch.cat(rows))
    sure = nn.functional.one_hot(y, 3).float()
    torch.testing.assert_close(model.velocity(x, t, sure), model.velocity(x, t, y))
    half = torch.tensor([[0.5, 0.5, 0.0]])
    assert not torch.allclose(model.velocity(x, t, half), model.velocity(x, t, 0))


def test_data_with_bounds_are_seen_from_minus_1_to_1_and_samples_are_cut_to_them():
    model = stirred(flow(low=0.0, high=10.0))
    x = torch.tensor([[0.0, 10.0], [5.0, 2.5]])
    torch.testing.assert_close(model.to_flow(x), torch.tensor([[-1.0, 1.0], [0.0, -0.5]]))
    torch.testing.assert_close(model.to_data(model.to_flow(x)), x)
    made = model.given(1).sample(50, steps=3, generator=runtime.generator(0))
    assert made.min() >= 0
    assert made.max() <= 10


def test_times_of_the_loss_lie_in_the_middle_or_anywhere():
    middle, anywhere = (flow(middle=m).times(20_000, torch.zeros(1), runtime.generator(0)) for m in (True, False))
    assert ((middle - 0.5).abs() < 0.25).double().mean().item() == pytest.approx(0.728, abs=0.02)  # |normal| < log 3
    assert ((anywhere - 0.5).abs() < 0.25).double().mean().item() == pytest.approx(0.5, abs=0.02)


def test_samples_follow_the_generator_and_the_sampler():
    model = stirred(flow())
    made = model.sample(4, steps=5, sampler=samplers.EULER, generator=runtime.generator(0))
    start = model.start(4, generator=runtime.generator(0))
    torch.testing.assert_close(made, samplers.EULER(model, start, samplers.equal_times(5)).detach())
    assert not made.requires_grad


@pytest.mark.parametrize("y", [3.5, -1, 4, torch.tensor([0, 1]), torch.tensor([True]), torch.ones(3, 2)])
def test_odd_classes_are_refused(y):
    with pytest.raises(ValueError, match="expected"):
        flow().velocity(torch.zeros(3, 2), torch.full((3,), 0.5), y)


def test_odd_settings_are_refused():
    with pytest.raises(ValueError, match="one per class and one for none"):
        VelocityFlow(network=TimedDense(size=2), event_shape=(2,), classes=3)
    with pytest.raises(ValueError, match="both bounds"):
        flow(low=0.0)
    with pytest.raises(ValueError, match="pair of examples and classes"):
        flow().loss(torch.zeros(3, 2))
    with pytest.raises(ValueError, match="knows no classes"):
        VelocityFlow(network=TimedDense(size=2), event_shape=(2,)).given(1)


def test_the_unet_looks_everywhere_at_the_time_and_at_the_condition():
    runtime.seed(0)
    network = stirred(TimedUNet(sides=(8, 12), widths=(8, 16), told=8, rows=3, positions=True))
    x = torch.randn(2, 1, 8, 12, generator=runtime.generator(1))
    t, rows = torch.tensor([0.3, 0.6]), torch.eye(3)[:2]
    found = network(x, t, rows)
    assert found.shape == (2, 1, 8, 12)
    assert not torch.allclose(network(x, t + 0.1, rows), found)
    assert not torch.allclose(network(x, t, rows.flip(0)), found)
    changed = x.clone()
    changed[0, 0, 0, 0] += 1
    assert not torch.allclose(network(changed, t, rows)[0], found[0])
    assert torch.equal(network(changed, t, rows)[1], found[1])
    assert not torch.allclose(network(x.roll(2, 3), t, rows), found.roll(2, 3), atol=1e-3)  # it knows the places


def test_the_docstring_counts_the_parameters_of_the_unet():
    count = sum(p.numel() for p in TimedUNet(rows=11).parameters())
    assert f"{count:,} parameters" in TimedUNet.__doc__


@pytest.mark.parametrize("wrong", [{"sides": (6, 8)}, {"widths": (48, 90)}, {"sides": (8,)}, {"told": 0}])
def test_a_unet_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="expected"):
        TimedUNet(**wrong)


def codes():
    network = TimedDense(size=2, width=16, blocks=1, rows=4)
    return LatentFlow(
        flow=VelocityFlow(network=network, event_shape=(2,), classes=3),
        latent=4,
        kept=[3, 1],
        mean=[5.0, -2.0],
        spread=[2.0, 0.5],
    )


def test_a_latent_flow_standardises_the_used_numbers_and_draws_the_others_from_the_prior(monkeypatch):
    model, seen = codes(), []
    monkeypatch.setattr(model.flow, "loss", lambda batch, generator=None: seen.append(batch) or torch.zeros(()))
    model.loss((torch.tensor([[9.0, -2.5, 9.0, 7.0]]), torch.tensor([1])))
    torch.testing.assert_close(seen[0][0], torch.tensor([[1.0, -1.0]]))
    z = model.sample(4_000, steps=1, generator=runtime.generator(0))
    assert z.shape == (4_000, 4)
    torch.testing.assert_close(z[:, [0, 2]].std(0), torch.ones(2), rtol=0.05, atol=0)
    assert (z[:, [3, 1]].mean(0) - torch.tensor([5.0, -2.0])).abs().max() < 0.2
    given = model.sample(3, y=torch.tensor([0, 1, 2]), guidance=2.0, steps=2, generator=runtime.generator(0))
    assert given.shape == (3, 4)


@pytest.mark.parametrize("wrong", [{"kept": [4, 1]}, {"kept": [1]}, {"mean": [1.0]}, {"spread": [1.0, 0.0]}, {"kept": [-1, 1]}])
def test_a_latent_flow_whose_parts_do_not_fit_is_refused(wrong):
    fitting = {"flow": codes().flow, "latent": 4, "kept": [3, 1], "mean": [5.0, -2.0], "spread": [2.0, 0.5]}
    with pytest.raises(ValueError, match="expected"):
        LatentFlow(**{**fitting, **wrong})


@pytest.mark.parametrize("build", [flow, codes])
def test_a_checkpoint_keeps_all_of_it(build, tmp_path):
    model = stirred(build())
    checkpoints.save("twin", model, {}, folder=tmp_path)
    twin = checkpoints.load("twin", folder=tmp_path)
    made = [m.sample(3, steps=2, generator=runtime.generator(0)) for m in (model, twin)]
    torch.testing.assert_close(*made)


def test_the_conversion_serves_one_network_for_noise_data_and_score():
    model, x, t = stirred(flow()), torch.randn(4, 2, generator=runtime.generator(1)), torch.linspace(0.2, 0.8, 4)
    v = model.velocity(x, t)
    torch.testing.assert_close(model.denoised(x, t), paths.data_of(x, v, t))
    torch.testing.assert_close(paths.velocity_from_score(x, model.score(x, t), t), v, rtol=1e-4, atol=1e-4)
