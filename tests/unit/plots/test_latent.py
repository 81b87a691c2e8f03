"""Figures of latent variables: what they draw is what they were given."""

import pytest
import torch

from course_lib.plots import latent


def test_the_bound_and_the_gap_fill_the_bar_up_to_the_evidence():
    z = torch.linspace(-1, 1, 5)
    made = latent.on_the_line(z, {"a": z, "b": z, "c": z}, -2.2, -2.0, title="t", alt="a")
    below, gap = made.axes[1].patches
    assert below.get_y() + below.get_height() == pytest.approx(-2.2)
    assert (gap.get_y(), gap.get_y() + gap.get_height()) == pytest.approx((-2.2, -2.0))


def test_a_decoded_plane_keeps_its_rows():
    pictures = torch.zeros(4, 1, 2, 2)
    pictures[1] = 1  # the upper right one
    made = latent.decoded_plane(pictures, (-1, 1), title="t", alt="a")
    shown = made.axes[0].images[0].get_array()
    assert shown.shape == (4, 4)
    assert shown[:2, 2:].min() == 255
    assert shown.max(axis=1)[2:].max() == 0


def test_dead_and_live_latents_are_counted():
    made = latent.nats_by_latent(torch.tensor([0.0, 2.0, 0.05, 1.0]), 0.1, title="t", alt="a")
    assert [text.get_text() for text in made.axes[0].get_legend().get_texts()] == ["2 alive", "2 dead"]


def test_the_other_figures_are_drawn():
    grid = torch.stack(torch.meshgrid(torch.arange(3.0), torch.arange(3.0), indexing="xy"), -1)
    assert latent.aggregate(grid, torch.rand(3, 3), title="t", alt="a").axes[0].collections
    table = torch.tensor([[0.7, 0.0], [0.0, 0.2]])
    assert len(latent.shares_of_information({"one": table}, ["a", "b"], title="t", alt="a").axes[0].texts) == 2
    scores = {1: (torch.rand(5), torch.rand(5), torch.rand(5)), 4: (torch.rand(5), torch.rand(5), torch.rand(5))}
    assert len(latent.by_beta(scores, title="t", alt="a").axes[2].lines) == 2


def test_every_seed_has_a_mark_for_its_cost_and_one_per_level():
    costs = {"one": torch.tensor([1.0, 2.0]), "three": torch.tensor([3.0, 4.0])}
    made = latent.levels_by_setting(costs, {"one": torch.rand(2, 1), "three": torch.rand(2, 3)}, title="t", alt="a")
    assert [list(line.get_xdata()) for line in made.axes[0].lines] == [[1.0, 2.0], [3.0, 4.0]]
    assert len(made.axes[1].lines) == 1 + 3 + 3  # three empty ones for the legend
    assert latent.codebook_use({"a": torch.tensor([0.2, 0.8])}, title="t", alt="a").axes[0].patches[
        0
    ].get_height() == pytest.approx(0.8)
