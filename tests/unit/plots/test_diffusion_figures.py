"""Figures of diffusion: what they draw, and that every one has words for it."""

import math

import pytest
import torch

from course_lib.plots import diffusion
from course_lib.training import checkpoints
from course_lib.training.recipes.diffusion import image_flow

WORDS = {"title": "title", "alt": "alt"}
REAL = {"fid": 2.0, "percent_recognised": 99.0, "within_class_variance": 150.0}


def test_clouds_have_the_points_in_every_panel_and_paths_where_given():
    points, samples = torch.zeros(4, 2), torch.ones(9, 2)
    made = diffusion.clouds({"a": samples, "b": 2 * samples}, points, paths={"b": torch.rand(5, 3, 2)}, **WORDS)
    assert [len(axes.lines) for axes in made.axes] == [2, 5]
    assert len(made.axes[1].lines[0].get_xdata()) == 5
    assert made.axes[0].lines[-1].get_xdata().tolist() == [0.0] * 4
    assert [axes.get_title(loc="left") for axes in made.axes] == ["a", "b"]
    assert len(made.legends) == 1
    alone = diffusion.clouds({"a": samples}, **WORDS)
    assert len(alone.axes[0].lines) == 1
    assert not alone.legends


def test_each_sampler_has_a_curve_over_its_own_evaluations_and_real_digits_a_line():
    rows = {
        "Euler": {"evaluations": [1, 2], "fid": [50.0, 9.0], "percent_recognised": [80.0, 95.0]},
        "Heun": {"evaluations": [1, 3, 5], "fid": [50.0, 7.0, 3.0], "percent_recognised": [80.0, 96.0, 98.0]},
    }
    made = diffusion.by_evaluations(rows, REAL, **WORDS)
    assert [line.get_ydata()[0] for line in made.axes[0].lines] == [50.0, 50.0, 2.0]
    assert made.axes[1].lines[1].get_xdata().tolist() == [1, 3, 5]


def test_guidance_has_one_panel_per_measure():
    row = {"dial": [0, 1], "fid": [9.0, 4.0], "percent_recognised": [10.0, 95.0], "within_class_variance": [400.0, 150.0]}
    made = diffusion.guidance(row, REAL, **WORDS)
    assert [axes.lines[0].get_ydata().tolist() for axes in made.axes] == [[10.0, 95.0], [400.0, 150.0], [9.0, 4.0]]
    assert [axes.lines[1].get_ydata()[0] for axes in made.axes] == [99.0, 150.0, 2.0]


def test_bells_are_the_densities_of_their_gaussians():
    made = diffusion.bells({"a": (1.0, 0.5), "b": (0.0, 2.0)}, **WORDS)
    for line, (mean, deviation) in zip(made.axes[0].lines, ((1.0, 0.5), (0.0, 2.0)), strict=True):
        x, density = line.get_data()
        assert x[density.argmax()] == pytest.approx(mean, abs=0.05)
        assert density.max() == pytest.approx(1 / (deviation * (2 * math.pi) ** 0.5), rel=1e-2)


def test_the_networks_are_drawn_with_the_sizes_that_the_shipped_ones_have():
    made = diffusion.two_networks()
    said = " ".join(text.get_text() for text in made.axes[0].texts)
    flow = image_flow()
    wide, deep = flow.network.widths
    assert f"{wide}\n14×14" in said
    assert f"{deep}\n7×7" in said
    assert str(flow.network.told) in said
    shipped = checkpoints.describe("latent-flow-mnist")["configuration"]["flow"]["configuration"]["network"]["configuration"]
    assert f"{shipped['size']}\ncodes" in said
    assert f"{shipped['blocks']} residual\nblocks" in said
