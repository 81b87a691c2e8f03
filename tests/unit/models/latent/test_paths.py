"""Paths between codes: their ends, their lengths, and the arc that a turn draws."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.models.latent.paths import lerp, slerp


@pytest.mark.parametrize("path", [lerp, slerp])
def test_both_ends_are_reached_and_rows_are_independent(path):
    a, b = torch.randn(2, 5, 7, generator=runtime.generator(0), dtype=torch.double)
    torch.testing.assert_close(path(a, b, 0.0), a)
    torch.testing.assert_close(path(a, b, 1.0), b)
    t = torch.linspace(0, 1, 5, dtype=torch.double)[:, None]
    rows = torch.stack([path(p, q, place.item()) for p, q, place in zip(a, b, t, strict=True)])
    torch.testing.assert_close(path(a, b, t), rows)


def test_the_arc_is_a_turn_at_even_speed():
    a, b = torch.tensor([2.0, 0, 0]).double(), torch.tensor([0, 2.0, 0]).double()
    for t in (0.1, 0.5, 0.8):
        turned = torch.tensor([2 * math.cos(t * math.pi / 2), 2 * math.sin(t * math.pi / 2), 0]).double()
        torch.testing.assert_close(slerp(a, b, t), turned)
    assert lerp(a, b, 0.5).norm().item() == pytest.approx(math.sqrt(2))


def test_equal_norms_stay_on_the_arc_and_shrink_on_the_line():
    a, b = torch.nn.functional.normalize(torch.randn(2, 20, 50, generator=runtime.generator(1), dtype=torch.double), dim=-1)
    assert (slerp(a, b, 0.3).norm(dim=-1) - 1).abs().max() < 1e-12
    assert lerp(a, b, 0.3).norm(dim=-1).max() < 0.95


@pytest.mark.parametrize("scale", [1.0, 3.0, -2.0])
def test_where_there_is_no_one_arc_the_straight_line_is_taken(scale):
    a = torch.tensor([[1.0, 2.0, -1.0]])
    found = slerp(a, scale * a, 0.25)
    torch.testing.assert_close(found, lerp(a, scale * a, 0.25), rtol=1e-3, atol=1e-3)


def test_no_bend_where_the_two_ways_meet():
    a = torch.tensor([1.0, 0.0]).double()
    for angle in (9e-4, 1.1e-3):
        b = torch.tensor([math.cos(angle), math.sin(angle)]).double()
        torch.testing.assert_close(slerp(a, b, 0.5), lerp(a, b, 0.5), atol=1e-6, rtol=0)


@pytest.mark.parametrize("path", [lerp, slerp])
def test_t_may_lie_on_another_device_and_have_another_type(path, device):
    a, b = torch.randn(2, 5, 7, generator=runtime.generator(0)).to(device)
    t = torch.linspace(0, 1, 5, dtype=torch.double)[:, None]
    found = path(a, b, t)
    assert (found.device, found.dtype) == (a.device, torch.float32)
    torch.testing.assert_close(found[[0, -1]], torch.stack([a[0], b[-1]]))
