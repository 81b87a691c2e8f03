"""The one table of flows on continuous data, small. Add a row, and test_flows.py runs it."""

from functools import partial

import torch

from course_lib import runtime
from course_lib.models.flows import CouplingFlow, GaussianisationFlow, PlanarFlow, RealNVP

COUNTS = [60, 2, 1, 0, 4, 3, 2, 25]
image = partial(RealNVP, event_shape=(1, 4, 4), widths=(6, 6, 6), couplings=(2, 3, 6))

BUILD = {
    "planar": partial(PlanarFlow, event_shape=(2,), layers=3),
    "planar-one": partial(PlanarFlow, event_shape=(1,), layers=2),
    "planar-four": partial(PlanarFlow, event_shape=(4,), layers=5),
    "coupling": partial(CouplingFlow, event_shape=(2,), layers=4, hidden=(7,)),
    "coupling-uneven": partial(CouplingFlow, event_shape=(3,), layers=3, hidden=(5, 6)),
    "coupling-unit": partial(CouplingFlow, event_shape=(2,), layers=2, hidden=(6,), unit=True),
    "gaussianisation": partial(GaussianisationFlow, event_shape=(2,), layers=2, kernels=9, width=0.3),
    "gaussianisation-three": partial(GaussianisationFlow, event_shape=(3,), layers=2, kernels=5, width=0.4),
    "image": partial(image, counts=COUNTS),
    "image-black": partial(image, counts=COUNTS, black=[7, 1, 0, 3] * 4, images=7),
    "image-logit": partial(image, positions=False),
    "image-two-channels": partial(image, event_shape=(2, 4, 4), counts=COUNTS),
}
UNIT = [name for name in BUILD if name.startswith("image") or name.endswith("unit")]  # data in (0, 1)


def build(name, device="cpu", dtype=torch.float32):
    """The model of this name, in eval mode, its numbers moved from their start so that every dependency shows."""
    runtime.seed(0)
    model = BUILD[name]()
    generator = runtime.generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    if isinstance(model, GaussianisationFlow):
        model.fit(torch.randn(300, *model.event_shape, generator=generator).abs(), generator=generator)
    return model.to(device=device, dtype=dtype).eval()


def examples(model, name, n, seed=2):
    """n arbitrary examples that the model accepts, (n, *event_shape)."""
    generator = runtime.generator(seed)
    like = next(t for t in (*model.parameters(), *model.buffers()) if t.is_floating_point())
    x = torch.rand(n, *model.event_shape, generator=generator) * 0.98 + 0.01
    return (x if name in UNIT else 3 * x - 1.5).to(like)
