"""Two pads: where a place of a pad leads, which coordinates the pads move, and what lies under them."""

import numpy as np
import pytest
import torch
from small_models import seeded

from course_lib.explore.latent.pads import CELLS, REACH, SIDE, TILES, added, pads
from course_lib.models.latent import VAE

MIDDLE = (CELLS // 2, CELLS // 2)


class Seen(VAE):
    """A VAE of 2 x 2 pixels with three colours that remembers the codes that it decoded."""

    def decode(self, z):
        self.z = z
        return super().decode(z)


def made(latent: int = 5) -> Seen:
    with seeded():
        model = Seen(event_shape=(3, 2, 2), latent=latent, hidden=(), output="gaussian", mean=0.5)
    with torch.no_grad():
        model.encoder[-1].bias.copy_(torch.cat([torch.arange(float(latent)), torch.zeros(latent)]))  # the last has the most nats
    return model.eval().requires_grad_(False)


def test_the_middle_adds_nothing_and_the_rim_the_reach():
    assert added(MIDDLE) == pytest.approx((0, 0))
    assert added((0, CELLS - 1)) == pytest.approx((REACH, REACH))
    assert added((CELLS - 1, 0)) == pytest.approx((-REACH, -REACH))


def test_the_first_pad_moves_the_two_largest_coordinates_and_the_second_the_next_two():
    model, x = made(), torch.full((2, 3, 2, 2), 0.5)
    panel = pads(model, x)
    panel.render(first=MIDDLE, second=MIDDLE, which=0)
    start = model.z[0].clone()
    panel.render(first=(0, CELLS - 1), second=MIDDLE, which=0)
    torch.testing.assert_close(model.z[0] - start, torch.tensor([0, 0, 0, REACH, REACH]))
    panel.render(first=MIDDLE, second=(CELLS - 1, CELLS - 1), which=0)
    torch.testing.assert_close(model.z[0] - start, torch.tensor([0, -REACH, REACH, 0, 0]))


def test_the_tile_in_the_corner_of_a_pad_is_the_picture_of_that_corner():
    model, x = made(), torch.rand(2, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    panel = pads(model, x)
    panel.render(first=MIDDLE, second=MIDDLE, which=1)  # what stands beside the large picture is decoded once
    under = panel.controls[0].below({"first": MIDDLE, "second": (3, 7), "which": 1})
    assert np.asarray(under).shape == (SIDE, SIDE, 3)
    at = torch.tensor([REACH, REACH]) * (1 - 1 / TILES)
    codes = model.z.view(TILES, TILES, -1)  # rows from above
    panel.render(first=MIDDLE, second=(3, 7), which=1)
    assert torch.allclose(codes[0, -1] - model.z[0], torch.cat([torch.zeros(3), at.flip(0)]), atol=1e-5)
    torch.testing.assert_close(codes[TILES // 2, TILES // 2], model.z[0])


def test_coordinates_with_a_name_come_first_and_few_coordinates_are_refused():
    panel = pads(made(), torch.rand(2, 3, 2, 2), about={0: "tilt", 3: "smile"})
    assert [control.label for control in panel.controls[:2]] == ["drag: across z1, tilt; up z4, smile", "drag: across z5; up z3"]
    with pytest.raises(ValueError, match="expected at least 4"):
        pads(made(3), torch.rand(2, 3, 2, 2))
