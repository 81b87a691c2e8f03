"""Diagrams of models: every arrow joins two nodes, every text lies inside the picture, and no two nodes overlap."""

import itertools

import pytest

from course_lib.plots import architectures, image_architectures, latent_architectures, questions
from course_lib.plots.blocks import LAYER, STATE, Arrow, Node, diagram

DRAWN = {
    name: made
    for module in (architectures, image_architectures, latent_architectures)
    for name, made in vars(module).items()
    if getattr(made, "__module__", "") == module.__name__ and not name.startswith("_")
}

DRAWN["families"] = questions.families


@pytest.mark.parametrize("name", DRAWN)
def test_every_text_lies_inside_the_picture(name):
    made = DRAWN[name]()
    made.draw_without_rendering()
    whole = made.bbox
    for text in made.axes[0].texts:
        box = text.get_window_extent()
        assert whole.x0 <= box.x0, text.get_text()
        assert box.x1 <= whole.x1, text.get_text()
        assert text.get_fontsize() >= 11
    assert len(made.alt) > 60


@pytest.mark.parametrize("name", DRAWN)
def test_no_two_nodes_overlap(name):
    made = DRAWN[name]()
    made.draw_without_rendering()
    boxes = [patch.get_window_extent() for patch in made.axes[0].patches if patch.get_zorder() == 3]
    assert len(boxes) >= 5
    for one, other in itertools.combinations(boxes, 2):
        assert one.x1 <= other.x0 or other.x1 <= one.x0 or one.y1 <= other.y0 or other.y1 <= one.y0


def test_the_trellis_has_every_move_and_marks_those_that_meet():
    made = architectures.trellis("vc", "bana")
    arrows = [patch for patch in made.axes[0].patches if patch.get_zorder() == 2]
    assert len(arrows) == 3 * 4
    assert sum(patch.get_linewidth() > 2 for patch in arrows) == 2
    assert "16 paths" in made.axes[0].get_title(loc="left")


def test_a_diagram_is_as_large_as_its_nodes_and_refuses_strangers():
    nodes = {"a": Node(0.0, 0.0, "one", LAYER, 1.0, 0.5), "b": Node(3.0, 0.0, "two", STATE, high=0.5)}
    made = diagram(nodes, [Arrow("a", "b", "5")], title="t", alt="a")
    assert made.get_size_inches() == pytest.approx((3.75 + 0.5, 0.5 + 0.5 + 0.35))
    with pytest.raises(ValueError, match=r"\['c'\]"):
        diagram(nodes, [Arrow("a", "c")], title="t", alt="a")
    with pytest.raises(ValueError, match="kinds"):
        diagram({"a": Node(0.0, 0.0, "x", "cloud")}, [], title="t", alt="a")
