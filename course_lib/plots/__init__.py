"""Figures and pictures in one style. A figure says what it shows: a title, labelled axes and a text alternative.

Colours are Okabe and Ito's eight, which colour-blind eyes can tell apart. Importing this module sets matplotlib's settings to
matplotlib's own defaults, then to the course's colours and sizes, so that figures drawn by hand in a lesson look the same.

Every function returns its figure. A figure shows itself as the last expression of a cell, and by `display(figure)` anywhere
else. Pyplot does not know it, so that `plt.show()` is not needed and nothing is shown twice.
"""

from course_lib.plots.diagrams import factorisation, tree
from course_lib.plots.figures import LessonFigure, curves, density, figure, show_images
from course_lib.plots.images import as_uint8, png_bytes, square, tile, to_image
from course_lib.plots.style import BLACK, BLUE, GREEN, ORANGE, PALETTE, PURPLE, SEQUENTIAL, SKY, STYLE, VERMILION, YELLOW

__all__ = [
    "BLACK", "BLUE", "GREEN", "ORANGE", "PALETTE", "PURPLE", "SEQUENTIAL",
    "SKY", "STYLE", "VERMILION", "YELLOW", "LessonFigure", "as_uint8", "curves",
    "density", "factorisation", "figure", "png_bytes", "show_images", "square", "tile",
    "to_image", "tree",
]  # fmt: skip
