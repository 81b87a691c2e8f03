"""What the explorers of diffusion models show: where particles end, how deep a drawing is drowned, and the marked guidance."""

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.explore.diffusion import exact_field as field
from course_lib.explore.diffusion.guidance_dial import guidance_dial
from course_lib.explore.diffusion.scribble import SHOWN, cleaned, cleaning, scribble, scribbled
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.paths import on_path
from course_lib.models.diffusion.point_set import PointSetFlow
from course_lib.models.diffusion.samplers import EULER, HEUN, equal_times
from course_lib.nn.velocity import TimedUNet

START = torch.randn(30, 2, generator=runtime.generator(0), dtype=torch.float64)


def test_clicked_cells_are_points_of_the_plane_with_y_upwards():
    clicked = np.zeros((field.CELLS, field.CELLS), bool)
    clicked[0, 0] = clicked[-1, -1] = True
    edge = field.REACH * (1 - 1 / field.CELLS)
    torch.testing.assert_close(field.places(clicked), torch.tensor([[-edge, edge], [edge, -edge]], dtype=torch.float64))
    assert len(field.places(np.ones((field.CELLS, field.CELLS), bool))) == field.MOST
    assert len(field.places(field.first_points())) >= 20


def test_a_trajectory_begins_at_the_noise_and_ends_where_the_sampler_does():
    flow = PointSetFlow(points=field.places(field.first_points()))
    for sampler in (EULER, HEUN):
        paths = field.trajectory(flow, START, 9, sampler)
        assert torch.equal(paths[0], START)
        torch.testing.assert_close(paths[-1], sampler(flow, START, equal_times(9)))
    mean = flow.points.mean(0).expand(30, 2)
    torch.testing.assert_close(field.trajectory(flow, START, 1, EULER)[-1], mean)


def test_paths_are_cut_at_the_time_shown():
    paths = torch.arange(5.0)[:, None, None].expand(5, 2, 1)
    assert torch.equal(field._until(paths, 1.0), paths[:1])
    assert torch.equal(field._until(paths, 0.0), paths)
    assert field._until(paths, 0.4)[-1, 0, 0].item() == pytest.approx(2.4)


def test_the_picture_says_how_many_samples_are_training_points(monkeypatch):
    said, panel, draw = [], field.exact_field(), field.ImageDraw.ImageDraw.text

    def heard(pen, at, text, **how):
        said.append(text)
        draw(pen, at, text, **how)

    monkeypatch.setattr(field.ImageDraw.ImageDraw, "text", heard)
    panel.render(**{**panel.values, "steps": 64, "sampler": "Euler"})
    panel.render(**{**panel.values, "steps": 1, "sampler": "Euler"})
    panel.render(**{**panel.values, "points": np.zeros((field.CELLS, field.CELLS), bool)})
    assert said[0].startswith("100%")
    assert said[3].startswith("0%")
    assert "Click at least one" in said[-1]


def flow():
    runtime.seed(0)
    network = TimedUNet(sides=(8, 8), widths=(8, 8), told=8, rows=4)
    return VelocityFlow(network=network, event_shape=(1, 8, 8), classes=3, low=0.0, high=1.0).eval()


def test_a_drawing_that_is_not_drowned_comes_back_and_one_that_is_drowned_wholly_is_forgotten():
    model, x = flow(), torch.from_numpy(scribbled(8)).float()[None, None]
    y = torch.tensor([[0.0, 1.0, 0.0]])
    same, made = cleaned(model, x, 0.0, y=y, guidance=2.0, steps=3)
    assert torch.equal(same, x)
    assert torch.equal(made, x.expand(SHOWN, 1, 8, 8))
    for t, alike in ((1.0, True), (0.5, False)):
        found = [cleaned(model, drawing, t, y=y, guidance=2.0, steps=3)[1] for drawing in (x, 1 - x)]
        assert torch.allclose(*found) == alike
    assert cleaned(model, x, 0.5, y=None, guidance=2.0, steps=3)[1].shape == (SHOWN, 1, 8, 8)


def test_the_dial_opens_at_the_guidance_nearest_to_1():
    panel = guidance_dial([0.0, 0.5, 1.2, 4.0], torch.zeros(4, 4, 1, 8, 8), {"share": [1.0, 2.0, 3.0, 4.0]})
    assert panel.values["place"] == 2
    one, other = (panel.encode(panel.render(place=place, number="share"))[0] for place in (2, 3))
    assert one != other


def test_cleaning_shows_what_it_expects_on_the_way_and_ends_where_the_sampler_does():
    model, x = flow(), torch.from_numpy(scribbled(8)).float()[None, None]
    y = torch.tensor([[0.0, 1.0, 0.0]])
    seen = [(made, done) for _, made, done in cleaning(model, x, 0.6, y=y, guidance=2.0, steps=5)]
    assert [done for _, done in seen] == [1, 2, 3, 4, 5]
    noise = torch.randn(SHOWN, 1, 8, 8, generator=runtime.generator(0))
    at = on_path(model.to_flow(x).expand_as(noise), noise, torch.full((SHOWN,), 0.6))
    guided = model.given(y.expand(SHOWN, -1), 2.0)
    torch.testing.assert_close(seen[0][0], model.to_data(guided.denoised(at, torch.full((SHOWN,), 0.6))).detach())
    torch.testing.assert_close(seen[-1][0], model.to_data(EULER(guided, at, equal_times(5, 0.6))).detach())


def test_scribble_shows_progress_and_ends_with_what_render_returns():
    panel, shown = scribble(flow()), []
    panel.picture.observe(lambda change: shown.append(change["new"]), "value")
    panel.set(steps=9)
    assert len(set(shown)) == 3  # after 4, 8 and 9 steps
    assert shown[-1] == panel.encode(panel.render(**panel.values))[0]


def test_a_network_of_more_units_comes_nearer_to_the_exact_field_and_does_not_memorise():
    points = field.places(field.first_points())
    exact, gaps = PointSetFlow(points=points), []
    t = torch.full((30,), 0.4, dtype=torch.float64)
    x = exact.noise(exact.draw(30, generator=runtime.generator(1)), t, generator=runtime.generator(2))
    for units in (10, 200):
        gaps.append((field.learned(points, units).velocity(x, t) - exact.velocity(x, t)).square().mean().item())
    assert gaps[1] < 0.7 * gaps[0]
    ends = field.trajectory(field.learned(points, 200), START, 64, EULER)[-1]
    assert (torch.cdist(ends, points).amin(1) < field.NEAR).double().mean() < 0.5
