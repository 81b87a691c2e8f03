"""The figures of flows say what they show, and the masses in their legends are those of the densities."""

import math

import pytest
import torch

from course_lib.plots import flows, png_bytes


def test_pieces_of_both_lines_have_the_same_mass():
    x = torch.linspace(0.05, 4, 400)
    z = x.log()
    p_z = torch.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    made = flows.equal_masses(x, z, p_z / x, p_z, {"a": (20, 80), "b": (120, 200)}, title="t", alt="a")
    labels = [[text.get_text() for text in axes.get_legend().get_texts()] for axes in made.axes]
    for left, right in zip(*labels, strict=True):
        assert float(left.split()[-1]) == pytest.approx(float(right.split()[-1]), abs=2e-3)


def test_every_figure_has_a_text_alternative_and_can_be_drawn():
    drawn = [
        flows.areas(torch.sin, torch.rand(4, 2), torch.rand(4, 2), reach=1, names=("x, flat", "z, bent"), title="t", alt="a"),
        flows.landscapes({"one": torch.rand(6, 6), "two": torch.rand(6, 6)}, 2.0, title="t", alt="a", points=torch.rand(3, 2)),
        flows.coupling_layer(),
        flows.realnvp_of_digits(),
    ]
    for made in drawn:
        assert made.alt
        assert png_bytes(made).startswith(b"\x89PNG")


def test_the_grid_of_areas_is_what_the_map_makes_of_the_flat_one():
    corners = torch.rand(4, 2)
    made = flows.areas(lambda x: 2 * x + 1, corners, 2 * corners + 1, reach=1.5, names=("x", "z"), title="t", alt="a")
    flat, bent = (axes.get_lines() for axes in made.axes)
    assert len(flat) == len(bent) == 26
    for before, after in zip(flat, bent, strict=True):
        assert after.get_xydata() == pytest.approx(2 * before.get_xydata() + 1, abs=1e-6)
