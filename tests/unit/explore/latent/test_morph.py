"""A walk through faces: it stops at the pictures themselves, and goes from the last back to the first."""

import pytest
import torch
from small_models import seeded

from course_lib.explore.latent.morph import morph
from course_lib.models.latent import VAE


class Seen(VAE):
    """A VAE that remembers the codes that it decoded last."""

    def decode(self, z):
        self.z = z
        return super().decode(z)


@pytest.fixture
def model():
    with seeded():
        return Seen(event_shape=(3, 2, 2), latent=2, hidden=(), output="gaussian", mean=0.5).eval().requires_grad_(False)


def test_the_walk_passes_the_codes_of_the_pictures_and_comes_back(model):
    x = torch.rand(3, 3, 2, 2, generator=torch.Generator().manual_seed(0))
    panel, codes = morph(model, x, stops=3), model.encode(x).mean

    def at(place):
        panel.render(place=place, again=0, way="codes")
        return model.z[0]

    panel.render(place=0.0, again=0, way="codes")
    stops = [at(float(place)).clone() for place in range(4)]
    torch.testing.assert_close(stops[3], stops[0])
    assert sorted(int((codes - stop).norm(dim=1).argmin()) for stop in stops[:3]) == [0, 1, 2]
    torch.testing.assert_close(at(1.5), (stops[1] + stops[2]) / 2)


def test_mixed_pixels_are_the_mean_of_two_pictures_half_way(model):
    x = torch.zeros(2, 3, 2, 2)
    x[0] = 1.0
    panel = morph(model, x, stops=2)
    sheet = panel.render(place=0.5, again=0, way="pixels")
    assert sheet.getpixel((sheet.width // 2, 100)) == (128, 128, 128)


def test_fewer_pictures_than_stops_are_refused(model):
    with pytest.raises(ValueError, match="expected at least 5"):
        morph(model, torch.zeros(2, 3, 2, 2))
