"""What the compass shows: places of cells, shares of chains, arrows, and the two errors of a learned score."""

import pytest
import torch

from course_lib import runtime
from course_lib.explore.diffusion import compass as shown
from course_lib.models.diffusion.score import SmoothedMixture

HUMPS = {"probs": [0.8, 0.2], "mean": [[2.0, 1.0], [-2.0, -1.0]], "scale": [0.5, 0.5], "lowest": 0.05, "highest": 5.0}


class Wrong(SmoothedMixture):
    """Right but for a constant: its error is known."""

    def score(self, x, t):
        return super().score(x, t) + 0.3 / self.sigma(t)[:, None]


@pytest.fixture
def said(monkeypatch):
    words, draw = [], shown.ImageDraw.ImageDraw.text

    def heard(pen, at, text, **how):
        words.append(text)
        draw(pen, at, text, **how)

    monkeypatch.setattr(shown.ImageDraw.ImageDraw, "text", heard)
    return words


def test_cells_are_points_of_the_plane_with_x2_upwards():
    edge = shown.REACH * (1 - 1 / shown.CELLS)
    torch.testing.assert_close(shown.place((0, 0)), torch.tensor([[-edge, edge]]))
    torch.testing.assert_close(shown.place((shown.CELLS - 1, 0)), torch.tensor([[-edge, -edge]]))


def test_errors_of_a_score_that_is_off_by_a_constant():
    weighted, even = shown.score_errors(SmoothedMixture(**HUMPS), Wrong(**HUMPS), 0.3)
    assert (weighted, even) == pytest.approx((0.18, 0.18), rel=1e-4)


def test_chains_keep_the_shares_of_their_start_at_the_lowest_noise_level(said):
    panel = shown.compass(SmoothedMixture(**HUMPS), Wrong(**HUMPS))
    share = int(said[0].partition("middle: ")[2].partition("%")[0])
    assert 40 <= share <= 60  # about half, as where they began
    said.clear()
    panel.render(**{**panel.values, "adjusted": True})
    assert "accepted" in said[0]
    said.clear()
    first = panel.encode(panel.render(**{**panel.values, "noise": False}))
    assert "accepted" not in said[0]
    assert first != panel.encode(panel.render(**panel.values))
    chains = shown._Chains(SmoothedMixture(**HUMPS), 1.0, 0.5 * 25, True, False)
    assert torch.equal(chains.until(3), chains.path[3])
    assert runtime.generator(0).initial_seed() == chains.generator.initial_seed()


def test_another_mixture_is_refused():
    three = {"probs": [0.5, 0.3, 0.2], "mean": [[0.0, 0.0]] * 3, "scale": [1.0] * 3}
    with pytest.raises(ValueError, match="3 components"):
        shown.compass(SmoothedMixture(**three), SmoothedMixture(**three))
