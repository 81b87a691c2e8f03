"""MeanFlow: its target against a flow whose mean velocity is known, its steps, what it learns, and what it refuses."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.diffusion import samplers
from course_lib.models.diffusion.mean_flow import JUMP, MeanFlow, mean_target
from course_lib.models.diffusion.point_set import PointSetFlow
from course_lib.nn.velocity import TimedDense


def exact_average(x, t, span):
    """The mean velocity over the times from t - span to t of data N(1, 1/4), whose flow is x_t = (1 - t) + d_t e."""

    def deviation(t):
        return (t**2 + (1 - t) ** 2 / 4).sqrt()

    def place(t, e):
        return (1 - t)[:, None] + deviation(t)[:, None] * e

    e = (x - (1 - t)[:, None]) / deviation(t)[:, None]
    length = span.clamp(min=1e-6)  # the mean over a very short span is the velocity
    return (x - place(t - length, e)) / length[:, None]


def small(**given):
    runtime.seed(0)
    network = TimedDense(
        size=2, width=16, blocks=1, spans=True, fastest=8.0, rows=given["classes"] + 1 if "classes" in given else 0
    )
    return MeanFlow(network=network, event_shape=(2,), **given)


def test_the_exact_mean_velocity_is_its_own_target():
    g = runtime.generator(0)
    t = 0.3 + 0.7 * torch.rand(50, generator=g, dtype=torch.float64)
    span = t * torch.rand(50, generator=g, dtype=torch.float64)
    x = torch.randn(50, 1, generator=g, dtype=torch.float64)
    exact = PointSetFlow(points=torch.ones(1, 1, dtype=torch.float64), scale=0.5)
    u, target = mean_target(exact_average, x, exact.velocity(x, t), t, span)
    torch.testing.assert_close(u, target, atol=1e-4, rtol=0)
    wrong = mean_target(lambda x, t, span: exact.velocity(x, t), x, exact.velocity(x, t), t, span)
    assert (wrong[0] - wrong[1]).abs().max() > 0.05  # the velocity itself is not the mean velocity


def test_the_derivative_is_taken_along_the_path_with_the_span_growing_as_t_does():
    """u = t + 10 span + 100 x, v = 3: du/dt = 1 + 10 + 300."""
    t, span, x = torch.tensor([0.8]), torch.tensor([0.5]), torch.tensor([[2.0]])
    _, target = mean_target(lambda x, t, span: (t + 10 * span)[:, None] + 100 * x, x, torch.full((1, 1), 3.0), t, span)
    assert target.item() == pytest.approx(3 - 0.5 * 311)


def test_two_jumps_visit_the_times_between_and_one_jump_uses_the_whole_span():
    model = small()
    asked = []
    model.network.register_forward_hook(lambda module, given, found: asked.append((given[1][0].item(), given[3][0].item())))
    model.sample(3, steps=2, generator=runtime.generator(0))
    assert asked == [(1.0, 0.5), (0.5, 0.5)]
    asked.clear()
    noise = torch.randn(3, 2, generator=runtime.generator(0))
    made = JUMP(model, noise, [1.0, 0.0])
    assert asked == [(1.0, 1.0)]
    torch.testing.assert_close(made, model.sample(3, generator=runtime.generator(0)))


def test_a_span_of_0_is_the_velocity():
    model, x, t = small(), torch.randn(4, 2, generator=runtime.generator(0)), torch.full((4,), 0.5)
    for parameter in model.parameters():
        parameter.data += 0.1
    torch.testing.assert_close(model.average(x, t, torch.zeros(4)), model.velocity(x, t))
    assert not torch.allclose(model.average(x, t, torch.full((4,), 0.5)), model.velocity(x, t))


def test_one_step_learns_two_points_where_one_euler_step_lands_on_their_mean():
    points = torch.tensor([[1.5, 0.0], [-1.5, 0.0]])
    model, g = small(middle=False), runtime.generator(1)
    adam = torch.optim.Adam(model.parameters(), 1e-2)
    for _ in range(150):
        x = points[torch.arange(64) % 2] + 0.1 * torch.randn(64, 2, generator=g)
        loss = model.loss(x, generator=g)
        adam.zero_grad()
        loss.backward()
        adam.step()
    start = torch.randn(200, 2, generator=runtime.generator(2))
    with torch.no_grad():
        once = JUMP(model, start, [1.0, 0.0])
    exact = samplers.EULER(PointSetFlow(points=points, scale=0.1), start, [1.0, 0.0])
    assert (once[:, 0].abs() > 0.75).double().mean() > 0.8
    assert (exact[:, 0].abs() > 0.75).double().mean() < 0.2


def test_classes_and_what_is_refused():
    model = small(classes=3)
    y = torch.tensor([0, 2])
    assert model.given(y).sample(2, generator=runtime.generator(0)).shape == (2, 2)
    assert model.loss((torch.zeros(4, 2), torch.zeros(4, dtype=torch.long)), generator=runtime.generator(0)).ndim == 0
    with pytest.raises(ValueError, match="guidance is 2; expected 1"):
        model.given(y, 2.0)
    with pytest.raises(ValueError, match="told no span"):
        MeanFlow(network=TimedDense(size=2, width=8, blocks=1), event_shape=(2,))
    with pytest.raises(ValueError, match="no labels"):
        model.loss(torch.zeros(4, 2))
