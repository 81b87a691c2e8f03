"""Figures of networks and of image games: what is drawn is what was given."""

import pytest
import torch

from course_lib.plots.image_games import dcgan, slopes_at, strips, style_generator, two_clocks
from course_lib.plots.networks import networks
from course_lib.training.recipes.adversarial import image_gan


def words(figure):
    return [text.get_text() for axes in figure.axes for text in axes.texts]


def test_a_network_has_a_box_for_each_layer_and_an_arrow_for_each_shape():
    figure = networks(
        {"up": ["z", "*dense", "64", "ReLU", "x"], "down": ["", "*constant", "logit"]}, title="Two", alt="Two rows of boxes."
    )
    axes = figure.axes[0]
    assert len(axes.patches) == 3  # boxes
    said = words(figure)
    assert {"up", "down", "dense", "ReLU", "constant", "z", "64", "x", "logit"} <= set(said)
    arrows = [text for text in axes.texts if getattr(text, "arrow_patch", None) is not None]
    assert len(arrows) == 4  # nothing enters the second row
    learned, plain = axes.patches[0], axes.patches[1]
    assert learned.get_facecolor() != plain.get_facecolor()
    assert figure.alt == "Two rows of boxes."


@pytest.mark.parametrize("parts", [["z"], ["z", "dense"], ["z", "dense", "x", "ReLU"]])
def test_a_network_that_does_not_end_with_a_shape_is_refused(parts):
    with pytest.raises(ValueError, match="expected shape, layer, shape"):
        networks({"up": parts}, title="Two", alt="Boxes.")


def test_strips_show_every_seed_and_the_geometric_mean():
    rows = {"plain": [100.0, 200.0, 400.0], "dropout": [50.0, 60.0, 70.0]}
    axes = strips(rows, title="Rows", xlabel="distance", alt="Dots.", first="plain").axes[0]
    dots = [line for line in axes.lines if line.get_linestyle() == "None"]
    assert [sorted(line.get_xdata()) for line in dots] == [sorted(values) for values in rows.values()]
    bars = [line.get_xdata()[0] for line in axes.lines if line.get_linestyle() != "None"]
    assert bars == pytest.approx([200.0, 210_000 ** (1 / 3)])
    assert axes.get_xscale() == "log"
    assert [label.get_text() for label in axes.get_yticklabels()] == list(rows)


def test_two_clocks_share_the_values():
    runs = {"a": ([9.0, 3.0], [1.0, 2.0], [10, 20]), "b": ([8.0, 4.0], [3.0, 6.0], [10, 20])}
    figure = two_clocks(runs, title="Runs", ylabel="distance", labels=("seconds", "rounds"), alt="Curves.")
    for axes, clock in zip(figure.axes, (1, 2), strict=True):
        assert [list(line.get_ydata()) for line in axes.lines] == [run[0] for run in runs.values()]
        assert [list(line.get_xdata()) for line in axes.lines] == [run[clock] for run in runs.values()]
    assert [axes.get_xlabel() for axes in figure.axes] == ["seconds", "rounds"]


def test_slopes_are_named_at_their_ends():
    figure = slopes_at([1, 10], {"one": [1.0, 2.0], "two": [1.0, 0.1]}, title="T", xlabel="x", ylabel="y", alt="Lines.")
    assert words(figure) == ["one", "two"]
    assert [text.xy for text in figure.axes[0].texts] == [(10, 2.0), (10, 0.1)]


def test_the_players_of_the_dcgan_have_the_shapes_that_the_picture_names():
    model = image_gan(normalisation="batch")
    shapes = []
    layers = [part for part in model.generator.modules() if isinstance(part, torch.nn.Conv2d)]
    for layer in layers:
        layer.register_forward_hook(lambda layer, given, made: shapes.append(tuple(given[0].shape[1:])))
    model.eval().generate(torch.zeros(1, model.noise))
    said = {word.replace("\n", " ") for word in words(dcgan())}
    assert f"z {model.noise}" in said
    for channels, side, _ in shapes:
        assert f"{channels} × {side} × {side}" in said


def test_the_style_generator_begins_with_a_constant():
    assert {"learned\nconstant", "w\n512", "z\n512"} <= set(words(style_generator()))
