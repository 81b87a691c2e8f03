"""What shipped models of digits are used for: features to read, and samples with labels."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from course_lib import runtime
from course_lib.metrics.features import features
from course_lib.metrics.probes import activations
from course_lib.training.recipes import load_or_train

TIME = 0.2  # where the diffusion network is read, from 0 (data) to 1 (noise)
PARTS = 250  # digits that are worked on at once


def feature_reader(name: str) -> Callable[[Tensor], Tensor]:
    """A function from grey digits (N, 1, 28, 28) to the features (N, F) of the shipped model of this name.

    rbm-mnist: the means of the hidden units. ae-mnist-*: the code. vae-*: the mean of q(z | x). dcgan-mnist: what the
    discriminator's last layer reads. flow-mnist: the last block of the middle of the velocity network, without a class, averaged
    over 2 x 2 places, at time TIME with one draw of noise. Any other model: its own `features`. Digits are rounded to 0 and 1 for
    models of binary pixels.
    """
    model = load_or_train(name, device="cpu").requires_grad_(False)
    readers: dict[str, Callable[[Tensor], Tensor]] = {
        "rbm": lambda x: model.hidden_given(x.round()).probs,
        "ae": lambda x: model.code(x),
        "vae": lambda x: model.encode(x.round()).mean,
        "dcgan": lambda x: model.discriminator.features(x).flatten(1),
        "flow": lambda x: _middle(model, x),
    }
    read = readers.get(name.split("-")[0], lambda x: features(model, x))
    return lambda x: torch.cat([read(part) for part in x.split(PARTS)])


def _middle(flow, x: Tensor) -> Tensor:
    def run(part: Tensor) -> None:
        t = torch.full((len(part),), TIME)
        flow.velocity(flow.noise(flow.to_flow(part), t, generator=runtime.generator(0)), t)

    found = activations(flow.network.middle[-1], run, x)
    side = x.shape[-1] // 4
    return F.adaptive_avg_pool2d(found.view(len(x), -1, side, side), 2).flatten(1)


def labelled_samples(name: str, y: Tensor, *, generator: torch.Generator | None = None) -> Tensor:
    """Grey digits (N, 1, 28, 28) of classes y (N,), drawn from the shipped model of this name.

    m2-mnist: the mean pixels of p(x | y, z). latent-flow-mnist: codes of the class, decoded by vae-mnist to mean pixels.
    cgan-mnist and others with `given(y)`: their samples.
    """
    model = load_or_train(name, device="cpu").requires_grad_(False)
    if name.startswith("m2"):
        z = runtime.standard_normal((len(y), model.latent), next(model.parameters()), generator)
        return model.decode(y, z).mean
    if name.startswith("latent-flow"):
        codes = model.sample(len(y), y=y, steps=10, generator=generator)
        return load_or_train("vae-mnist", device="cpu").requires_grad_(False).decode(codes).mean
    return torch.cat([model.given(part).sample(len(part), generator=generator) for part in y.split(PARTS)])
