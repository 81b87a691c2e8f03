"""Saved pictures become smaller and look the same."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from course_lib.cli.stills import looks_alike, smaller, smaller_in_text


def png(pixels, **options):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def opened(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def picture(kind):
    draw = np.random.default_rng(0)
    if kind == "few colours":
        return draw.integers(0, 256, (40, 3), dtype=np.uint8)[draw.integers(0, 40, (60, 80))]
    if kind == "grey":
        return np.repeat(draw.integers(0, 256, (60, 80, 1), dtype=np.uint8), 3, axis=2)
    if kind == "many colours":
        return draw.integers(0, 256, (60, 80, 3), dtype=np.uint8)
    return np.concatenate([draw.integers(0, 2, (60, 80, 3), dtype=np.uint8) * 200, np.full((60, 80, 1), 100, np.uint8)], axis=2)


@pytest.mark.parametrize("kind", ["few colours", "grey", "many colours", "transparent"])
def test_no_pixel_changes_and_twice_is_the_same_as_once(kind):
    before = png(picture(kind), compress_level=1)
    after = smaller(before)
    np.testing.assert_array_equal(opened(after), opened(before))
    assert len(after) <= len(before)
    assert smaller(after) == after


@pytest.mark.parametrize("kind", ["few colours", "grey"])
def test_a_palette_or_grey_values_save_a_third(kind):
    before = png(picture(kind))
    assert len(smaller(before)) < 0.67 * len(before)


def test_the_text_of_a_notebook_holds_the_same_picture():
    text = base64.b64encode(png(picture("few colours"), compress_level=1)).decode("ascii") + "\n"
    after = smaller_in_text(text)
    assert len(after) < len(text)
    np.testing.assert_array_equal(opened(base64.b64decode(after)), opened(base64.b64decode(text)))
    assert smaller_in_text(after) == after


def lines():
    """A white sheet with grey edges of many shades, as drawn letters have, and a smooth sheet of all colours."""
    sheet = np.full((200, 300, 3), 255, np.uint8)
    ramp = np.linspace(0, 254, 300).round()
    shades = np.stack([ramp, ramp, ramp + np.arange(300) % 2], 1)
    for row in range(50, 58):
        sheet[row] = np.random.default_rng(row).permutation(shades)
    assert Image.fromarray(sheet).getcolors(256) is None, "more colours than a palette holds"
    smooth = np.stack(np.meshgrid(np.arange(256), np.arange(256)), -1).astype(np.uint8)
    return sheet, np.concatenate([smooth, smooth[..., :1] // 2 + 60], 2)


def test_a_palette_of_near_shades_is_taken_for_edges_and_not_for_pictures():
    sheet, smooth = (png(pixels, optimize=True) for pixels in lines())
    assert Image.open(io.BytesIO(smaller(sheet))).mode == "P"
    assert looks_alike(Image.open(io.BytesIO(smaller(sheet))), Image.open(io.BytesIO(sheet)))
    assert smaller(smaller(sheet)) == smaller(sheet)
    np.testing.assert_array_equal(opened(smaller(smooth)), opened(smooth))


def test_pictures_that_differ_in_a_line_do_not_look_alike():
    sheet, _ = lines()
    moved = sheet.copy()
    moved[100] = moved[50]
    assert not looks_alike(Image.fromarray(sheet), Image.fromarray(moved))
