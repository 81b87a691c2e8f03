"""Numbers of papers beside ours: value, unit, source, and why the two differ. A model without an entry has no rival in print."""

from __future__ import annotations

from dataclasses import dataclass

FIXED = "theirs: one fixed draw of the pixels, ours: drawn anew in every epoch"


@dataclass(frozen=True)
class Published:
    """value: as printed, in `unit`. kind: "exact", "bound" or "estimate". source: authors and year. why: the two differ."""

    value: float
    kind: str
    source: str
    why: str
    unit: str = "nats"


PUBLISHED: dict[str, Published] = {
    "fvsbn-mnist": Published(97.45, "exact", "Larochelle & Murray 2011", FIXED),
    "nade-mnist": Published(88.33, "exact", "tabulated by Germain et al. 2015", FIXED),
    "made-mnist": Published(88.40, "exact", "Germain et al. 2015", f"{FIXED}; one hidden layer, ours has two"),
    "row-lstm-mnist": Published(80.54, "exact", "van den Oord et al. 2016", FIXED),
    "diagonal-bilstm-mnist": Published(79.20, "exact", "van den Oord et al. 2016", f"{FIXED}; seven layers, ours has two"),
    "pixelcnn-mnist": Published(81.30, "exact", "van den Oord et al. 2016", FIXED),
    "vae-mnist": Published(86.76, "bound", "Burda et al. 2016", "theirs is dense, ours has convolutions; theirs: 5,000 draws"),
    "vae-dense-mnist": Published(86.76, "bound", "Burda et al. 2016", "theirs: 5,000 draws in the bound"),
    "iwae-mnist": Published(84.78, "bound", "Burda et al. 2016", "theirs: 50 weights in training, ours 8; ours has convolutions"),
    "hierarchical-vae-mnist": Published(85.33, "bound", "Burda et al. 2016", "two levels and 5,000 draws; ours has three levels"),
    "rbm-mnist": Published(84.86, "estimate", "PyDeep's tutorial (Melchior)", "their reverse says 96.61: twelve nats of doubt"),
    "realnvp-mnist": Published(1.08, "bound", "UvA's tutorial on flows", "another flow of 556,000 parameters", "bits/dim"),
}
