"""Pictures and figures: bytes as expected, words on every axis, errors that say what came."""

import io
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from course_lib import plots
from course_lib.plots import figures

GREY = np.array([[0.0, 1.0], [0.5, 0.0]])


def _bell(x):  # (N, D) -> (N,)
    return torch.distributions.Normal(0.0, 1.0).log_prob(x).sum(-1)


def test_bytes_of_a_picture():
    assert plots.as_uint8(GREY).tolist() == [[0, 255], [128, 0]]
    assert plots.as_uint8(torch.zeros(1, 4, 5)).shape == (4, 5)
    assert plots.as_uint8(torch.zeros(3, 4, 5)).shape == (4, 5, 3)
    assert plots.as_uint8(np.zeros((4, 5, 3), bool)).dtype == np.uint8
    same = np.array([[7]], np.uint8)
    assert plots.as_uint8(same).item() == 7


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (GREY * 255, "divide bytes by 255"),
        (np.zeros(784), "reshape a flat vector"),
        (GREY * np.nan, "NaN"),
        (np.zeros((2, 2, 4)), "got"),
    ],
)
def test_what_is_no_picture_is_said(given, message):
    with pytest.raises(ValueError, match=message):
        plots.as_uint8(given)


def test_enlarging_keeps_squares_and_tints_the_unknown():
    image = plots.to_image(GREY, 3, unknown=[[True, False], [False, False]], tint="#ff0000", strength=1)
    pixels = np.asarray(image)
    assert pixels.shape == (6, 6, 3)
    assert (pixels[:3, :3] == [255, 0, 0]).all()
    assert (pixels[:3, 3:] == 255).all()
    flat = plots.to_image(GREY, 3, unknown=torch.tensor([True, False, False, False]), tint="#ff0000", strength=1)
    assert flat.tobytes() == image.tobytes()
    with pytest.raises(ValueError, match="expected that of the picture"):
        plots.to_image(GREY, unknown=[True])


def test_png_bytes_are_read_back_and_do_not_change():
    first = plots.png_bytes(GREY)
    assert np.asarray(Image.open(io.BytesIO(first))).tolist() == [[0, 255], [128, 0]]
    assert plots.png_bytes(GREY) == first
    made = plots.curves({"a": [1, 2]}, title="t", xlabel="x", ylabel="y")
    assert plots.png_bytes(made) == plots.png_bytes(made)


@pytest.mark.parametrize("picture", [GREY, np.random.default_rng(0).random((5, 7, 3)), np.zeros((1, 1))])
def test_a_quick_png_shows_the_same_pixels(picture):
    quick, slow = (Image.open(io.BytesIO(plots.png_bytes(picture, quick=quick))) for quick in (True, False))
    assert quick.mode == slow.mode
    assert quick.tobytes() == slow.tobytes()


def test_tiles_lie_row_by_row():
    sheet = plots.tile(np.stack([np.full((2, 2), value) for value in (0.0, 1.0, 1.0)]), columns=2, gap=1)
    assert sheet.shape == (7, 7)
    assert sheet[1, 1] == 0
    assert sheet[1, 4] == 255
    assert sheet[4, 1] == 255
    assert sheet[4, 4] == 128  # no fourth image
    assert plots.tile(torch.zeros(4, 9)).shape == (9, 9)
    with pytest.raises(ValueError, match="not square"):
        plots.tile(torch.zeros(4, 10))


def _figures():
    x = torch.rand(5, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    yield plots.curves({"training": ([3, 2], [0.1, 0.2]), "held out": [3, 2.5]}, title="Loss", xlabel="epoch", ylabel="nats")
    yield plots.density(_bell, [(-3, 3)], data=x.reshape(-1), title="Bell", labels=["x / cm"])
    yield plots.density({"a": _bell, "b": _bell}, [(-3, 3)], title="Two")
    yield plots.density(_bell, [(-3, 3), (-2, 2)], data=x.reshape(-1, 2), title="Bell in the plane")


@pytest.mark.parametrize("index", range(4))
def test_every_figure_has_a_title_labels_and_words(index):
    made = list(_figures())[index]
    axes = made.axes[0]
    assert axes.get_title(loc="left")
    assert axes.get_xlabel()
    assert axes.get_ylabel()
    bundle, metadata = made._repr_mimebundle_()
    assert bundle["image/png"]
    assert bundle["text/plain"] == metadata["image/png"]["alt"] == made.alt != ""


def test_a_density_is_drawn_at_its_height():
    line = plots.density(_bell, [(-3, 3)], points=201, title="Bell").axes[0].lines[0]
    assert np.isclose(line.get_ydata()[100], 1 / np.sqrt(2 * np.pi))
    with pytest.raises(ValueError, match="3 spans"):
        plots.density(_bell, [(0, 1)] * 3, title="none")


def test_sheets_of_images():
    assert len(plots.show_images(torch.rand(20, 784), title="Twenty").axes) == 1
    named = plots.show_images(torch.rand(3, 784), titles=["a", "b", "c"], columns=2, title="Three")
    assert [axes.get_title() for axes in named.axes] == ["a", "b", "c"]
    with pytest.raises(ValueError, match="as many titles"):
        plots.show_images(torch.rand(3, 784), titles=["a"])


def test_a_diagram_has_an_arrow_for_each_parent_and_is_drawn_again_in_place():
    chain = plots.factorisation([[], [0], [0, 1]], title="Chain")
    kinds = [type(patch).__name__ for patch in chain.axes[0].patches]
    assert kinds.count("FancyArrowPatch") == 3
    assert kinds.count("Circle") == 3
    assert chain.alt == "Chain. x1 given nothing; x2 given x1; x3 given x1, x2"  # without the signs of TeX
    again = plots.factorisation({"rain": [], "wet": ["rain"]}, title="Rain", into=chain)
    assert again is chain
    assert len(chain.axes[0].patches) == 3
    assert "wet given rain" in chain.alt
    with pytest.raises(ValueError, match="not among the variables"):
        plots.factorisation({"wet": ["rain"]})


def test_a_tree_has_a_line_a_node_and_refuses_a_depth_that_skips():
    rows = [(0, "root"), (1, "child"), (2, "grandchild"), (1, "other")]
    made = plots.tree(rows, title="a tree", alt="four nodes")
    assert [text.get_text() for text in made.axes[0].texts] == [label for _, label in rows]
    assert len(made.axes[0].lines) == 3
    with pytest.raises(ValueError, match="depths"):
        plots.tree([(0, "root"), (2, "too deep")], title="a tree")


def test_a_figure_held_still_gives_the_same_picture_as_one_drawn_whole():
    def drawn(hold):
        made = plots.figure("lines", xlabel="x", ylabel="y")
        (line,) = made.axes[0].plot([0, 1], [0, 0])
        if hold:
            made.axes[0].set_ylim(-1, 2)
            made.hold_still(line, made.axes[0].set_title("moved"))
            plots.png_bytes(made)
        made.axes[0].set_ylim(-1, 2)
        line.set_ydata([0, 1])
        made.axes[0].set_title("moved")
        return np.asarray(Image.open(io.BytesIO(plots.png_bytes(made))), dtype=int)

    difference = np.abs(drawn(True) - drawn(False))
    assert (difference > 40).mean() < 0.002  # the line lies over the axes' spines, where it lay under them


class Elsewhere(torch.Tensor):
    """A tensor that says it lies on a GPU: NumPy cannot read it before it is copied to the CPU."""

    def __array__(self, *given, **named):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def cpu(self):
        return self.as_subclass(torch.Tensor)


def elsewhere(*values):
    return torch.tensor(values).as_subclass(Elsewhere)


@pytest.mark.parametrize(
    "values",
    [elsewhere(3.0, 2.0), [elsewhere(3.0), elsewhere(2.0)], torch.tensor([3.0, 2.0], requires_grad=True), range(3, 1, -1)],
)
def test_curves_take_numbers_from_any_device(values):
    made = plots.curves({"a": (values, values)}, x=elsewhere(1.0, 2.0), title="t", xlabel="x", ylabel="y")
    assert made.axes[0].lines[0].get_xydata().tolist() == [[1, 3], [2, 2]]


@pytest.mark.parametrize("spans", [[(-3, 3)], [(-3, 3), (-2, 2)]])
def test_the_density_of_a_model_is_asked_on_the_models_device(monkeypatch, spans):
    class Model(torch.nn.Module):
        def log_prob(self, x):
            assert x.dtype == torch.float64, "the points were not moved to the model"
            return _bell(x)

    monkeypatch.setattr(figures.runtime, "device_of", lambda model: torch.float64)  # a place that shows on the CPU
    plots.density(Model().log_prob, spans, title="Bell")
    plots.density(lambda x: _bell(x) if x.dtype == torch.float32 else None, spans, title="of a plain function: on the CPU")


DARK = (
    "figure.facecolor: black\naxes.facecolor: black\ntext.color: white\nlines.linewidth: 9\nlines.color: white\nfont.size: 20\n"
)
DRAW = """
import sys
from course_lib import plots
sys.stdout.buffer.write(plots.png_bytes(plots.factorisation([[], [0]], title="Two")))
sys.stdout.buffer.write(plots.png_bytes(plots.tree([(0, "a"), (1, "b")], title="Three")))
"""


def test_the_users_own_matplotlibrc_does_not_change_a_figure(tmp_path):
    (tmp_path / "matplotlibrc").write_text(DARK)
    plain, dark = ({**os.environ, "MATPLOTLIBRC": str(place)} for place in (tmp_path / "none", tmp_path / "matplotlibrc"))
    drawn = [
        subprocess.run([sys.executable, "-c", DRAW], env=env, stdout=subprocess.PIPE, check=True).stdout for env in (plain, dark)
    ]
    assert len(drawn[0]) > 1000
    assert drawn[0] == drawn[1]


def test_the_backend_stays_what_the_user_chose():
    chosen = "import matplotlib; matplotlib.use('svg'); import course_lib.plots; print(matplotlib.get_backend())"
    assert subprocess.run([sys.executable, "-c", chosen], capture_output=True, text=True, check=True).stdout.strip() == "svg"
