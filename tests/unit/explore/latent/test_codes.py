"""The plane of codes: where a click lands, and what is said of it."""

import numpy as np
import pytest
import torch

from course_lib.explore.latent.codes import CELLS, latent_plane

SPANS = ((-2.0, 2.0), (0.0, 8.0))


class Seen:
    """A decoder that remembers what it was asked for."""

    def __call__(self, z):
        self.z = z
        return torch.full((len(z), 1, 4, 4), 0.5)


def test_a_click_is_the_code_at_the_middle_of_its_cell_upwards():
    decode = Seen()
    panel = latent_plane(decode, torch.zeros(3, 2), spans=SPANS)
    step = torch.tensor([4.0, 8.0]) / CELLS
    low, high = torch.tensor(SPANS).T
    for place, expected in (((CELLS - 1, 0), low + step / 2), ((0, CELLS - 1), high - step / 2)):
        panel.render(place=place)
        torch.testing.assert_close(decode.z, expected[None])


def test_codes_lie_where_a_click_finds_them():
    decode = Seen()
    code = torch.tensor([[1.0, 6.0]])
    panel = latent_plane(decode, code, spans=SPANS)
    rows, columns = (np.asarray(panel.controls[0].background).min(2) < 128).nonzero()  # the dot
    cell = np.asarray(panel.controls[0].background).shape[0] / CELLS
    panel.render(place=(int(rows.mean() / cell), int(columns.mean() / cell)))
    torch.testing.assert_close(decode.z, code, atol=0.1, rtol=0)


def test_only_a_plane_can_be_clicked():
    with pytest.raises(ValueError, match="two directions"):
        latent_plane(Seen(), torch.zeros(5, 3))
