"""One style: Okabe and Ito's eight colours, which colour-blind eyes can tell apart, and sizes.

Importing this module changes matplotlib's settings for the whole program: all of them, except the backend and
similar settings, become matplotlib's own defaults; then STYLE changes some of them. So a figure looks the same, whatever the
user's matplotlibrc says.
"""

from __future__ import annotations

import matplotlib

BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY, YELLOW, BLACK = PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#F0E442", "#000000",
)  # fmt: skip
SEQUENTIAL = "cividis"  # one colour map for quantities: even in lightness, the same to most colour-blind eyes

STYLE = {
    "axes.prop_cycle": matplotlib.cycler(color=PALETTE),
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titlelocation": "left",
    "axes.labelsize": 10,
    "axes.grid": False,
    "font.size": 10,
    "figure.dpi": 100,
    "image.cmap": SEQUENTIAL,
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "lines.linewidth": 2.0,
}
matplotlib.rcdefaults()
matplotlib.rcParams.update(STYLE)
