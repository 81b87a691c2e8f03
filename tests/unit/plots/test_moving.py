"""Moving pictures: every frame comes back, the last one repeats into the first, and the README's picture is small."""

import pytest
from PIL import Image

from course_lib.cli.lessons import ROOT
from course_lib.plots.moving import write_frames


@pytest.mark.parametrize("ending", ["gif", "webp"])
def test_frames_come_back(tmp_path, ending):
    shades = [0, 85, 170, 255]
    path = write_frames([Image.new("RGB", (6, 4), (k, k, k)) for k in shades], tmp_path / f"a.{ending}", milliseconds=100)
    with Image.open(path) as film:
        assert (film.n_frames, film.info["loop"]) == (4, 0)
        for place, shade in enumerate(shades):
            film.seek(place)
            assert abs(film.convert("L").getpixel((3, 2)) - shade) <= 2


def test_frames_of_two_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="one size"):
        write_frames([Image.new("RGB", (6, 4)), Image.new("RGB", (4, 6))], tmp_path / "a.gif", milliseconds=100)
    with pytest.raises(ValueError, match="one size"):
        write_frames([], tmp_path / "a.gif", milliseconds=100)


def test_the_cover_moves_and_is_small():
    path = ROOT / "notebooks" / "images" / "cover.webp"
    assert path.stat().st_size < 250_000
    with Image.open(path) as film:
        assert film.n_frames > 20
