"""A row of buttons remembers its clicks, and a game's rounds follow from them."""

from PIL import Image

from course_lib.explore.kit.clicks import Clicks, rounds
from course_lib.explore.kit.panel import Panel


def test_the_clicks_come_in_their_order():
    seen = []

    def render(clicks):
        seen.append(clicks)
        return Image.new("RGB", (60, 60))

    panel = Panel(render, [Clicks("clicks", "which?", ("left", "right", "next"))], title="t", alt="a")
    row = panel.widget and panel.handle("clicks")
    for place in (1, 2, 0):
        row.children[place].click()
    assert seen[-1] == ("right", "next", "left")
    assert len(seen) == 4


def test_the_first_answer_of_a_round_counts():
    assert rounds((), "next") == [None]
    assert rounds(("left", "right", "next", "next", "right"), "next") == ["left", None, "right"]
