"""The explorers that are alive in the pages: where each stands, and what its script needs, made from shipped models."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from course_lib import datasets, runtime
from course_lib.cli.site import networks
from course_lib.datasets import close_ups
from course_lib.explore.kit.plane import COLOURS, Plane
from course_lib.explore.latent.tiles import in_use, nats_by_coordinate
from course_lib.explore.probability import divergences
from course_lib.metrics.disentanglement import information_shares
from course_lib.training import checkpoints

FACES = "beta-vae-4-close-ups"  # the model whose coordinates lesson 13 moves
START, SHOWN = 8, 400  # faces to begin with; digits drawn on a plane of codes


@dataclass(frozen=True)
class Live:
    """An explorer that runs in a page.

    name: of its maker in assets/<name with underscores>.js. title, about: shown above it. source: its data, in data/<source>.js.
    lesson: number of the lesson in which it stands, in the place of the still of the first cell that calls one of `calls`.
    """

    name: str
    title: str
    about: str
    source: str
    lesson: str
    calls: tuple[str, ...]

    @property
    def anchor(self) -> str:
        return f"explorer-{self.name}"

    @property
    def script(self) -> str:
        return f"{self.name.replace('-', '_')}.js"


LIVE = (
    Live(
        "drag-a-face", "Drag a face",
        "A variational autoencoder saw 8,000 drawn faces, and no word about them. Each picture is decoded in this page from the "
        "code that you move.",
        source="faces", lesson="13", calls=("traversal",),
    ),
    Live(
        "morph", "From one face to another",
        "Mixed pixels show two faces at once. A mixed code is one face all the way.",
        source="faces", lesson="13", calls=("interpolation",),
    ),
    Live(
        "plane", "Click the plane of codes",
        "An autoencoder writes each digit as two numbers. Here are the codes of test digits: choose a place on a code, between "
        "two codes, or far from all.",
        source="plane", lesson="11", calls=("latent_plane",),
    ),
    Live(
        "plane", "Three planes",
        "Three models with two latents, trained alike but for the weight of the KL.",
        source="planes", lesson="12", calls=("planes",),
    ),
    Live(
        "one-bump", "Fit one bump to two modes",
        "One Gaussian cannot fit two modes. Move it until a divergence is smallest: each prefers another bump.",
        source="bump", lesson="02", calls=("one_bump",),
    ),
)  # fmt: skip


def data(source: str) -> dict[str, Any]:
    """What the scripts find in course.data under this name, as JSON."""
    return MAKERS[source]()


def script(source: str) -> str:
    """The text of data/<source>.js."""
    return (
        f"window.course = window.course || {{}};\n(course.data = course.data || {{}})[{source!r}] = {json.dumps(data(source))};\n"
    )


@torch.no_grad()
def faces() -> dict[str, Any]:
    """A decoder of faces, codes and pictures of a few, and the coordinates in use with the factor that each tells most about."""
    model = checkpoints.load(FACES)
    side = model.event_shape[-1]
    x, factors = datasets.load("close_ups", "test", size=None if side == close_ups.SHAPE[-1] else side)
    q = model.encode(x)
    nats = nats_by_coordinate(model, x)
    shares = information_shares(q.sample(generator=runtime.generator(0)), factors)  # (L, K)
    best = {int(shares[:, k].argmax()): factor for k, factor in enumerate(close_ups.FACTORS)}
    used = in_use(nats, most=6)
    names = {index: best[index].replace("_", " ") for index in used if index in best}
    places = {name: index for index, name in names.items()}
    rest = [index for index in used if index not in (places.get("tilt"), places.get("smile"))]
    codes = q.mean[:START]
    angles = torch.cosine_similarity(codes[:1], codes, dim=-1)
    far = (codes - codes[0]).norm(dim=-1).where(angles > -0.2, 0.0)  # between opposite codes an arc has no plane of its own
    return {
        "decoder": networks.decoder(model),
        "codes": [[round(value, 3) for value in code] for code in codes.tolist()],
        "farthest": int(far.argmax()),
        "pictures": [_bytes(picture) for picture in x[:START]],
        "coordinates": [{"index": i, "nats": round(nats[i].item(), 2), "factor": names.get(i, "")} for i in used],
        "across": places.get("tilt", rest[0]),
        "up": places.get("smile", rest[1]),
    }


def _bytes(picture: Tensor) -> str:
    """A picture (C, H, W) as the base64 text of its bytes, in the order of the tensor."""
    return base64.b64encode((picture * 255).round().to(torch.uint8).contiguous().numpy().tobytes()).decode()


def plane() -> dict[str, Any]:
    """Lesson 11's autoencoder with two numbers."""
    model, digits = checkpoints.load("ae-mnist-2"), datasets.load("mnist", "test")
    return _planes([("autoencoder", model, model.code(digits.x[:2_000]), digits.y)])


def planes() -> dict[str, Any]:
    """Lesson 12's three models with two latents."""
    digits = datasets.load("mnist", "test", binarisation="fixed", seed=0)
    names = {"KL on": "vae-plane-mnist", "KL off": "vae-plane-mnist-no-kl", "KL too strong": "vae-plane-mnist-strong-kl"}
    models = {name: checkpoints.load(checkpoint) for name, checkpoint in names.items()}
    return _planes([(name, model, model.encode(digits.x[:2_000]).mean, digits.y) for name, model in models.items()])


def _planes(sets: list[tuple[str, Any, Tensor, Tensor]]) -> dict[str, Any]:
    described = []
    for name, model, codes, labels in sets:
        around = Plane.around(codes)
        described.append({
            "name": name, "decoder": networks.decoder(model), "codes": networks.halves(codes[:SHOWN]),
            "labels": labels[:SHOWN].tolist(), "low": around.low.tolist(), "high": around.high.tolist(),
        })  # fmt: skip
    return {"sets": described, "colours": list(COLOURS)}


def bump() -> dict[str, Any]:
    """The data with two modes, the ends of both sliders, and the best bump by each divergence."""
    p = divergences.two_modes().tolist()
    return {
        "low": divergences.GRID[0].item(), "high": divergences.GRID[-1].item(),
        "p": [float(f"{value:.6g}") for value in p],
        "means": [divergences.MEANS[0], divergences.MEANS[-1]], "scales": [divergences.SCALES[0], divergences.SCALES[-1]],
        "best": divergences.best_bumps(),
    }  # fmt: skip


MAKERS: dict[str, Callable[[], dict[str, Any]]] = {"faces": faces, "plane": plane, "planes": planes, "bump": bump}
