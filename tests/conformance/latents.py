"""The one table of models with latent variables, small: binary, at most 6 variables. Add a row, and test_latents.py runs it."""

from functools import partial

import torch

from course_lib import runtime
from course_lib.models.flows import CouplingFlow, Dequantised
from course_lib.models.latent import (
    ELBO,
    VAE,
    HierarchicalVAE,
    ImportanceBound,
    MixturePrior,
    SemiSupervisedVAE,
    VampPrior,
)  # fmt: skip

vae = partial(VAE, event_shape=(5,), latent=2, hidden=(7,))
ladder = partial(HierarchicalVAE, event_shape=(1, 2, 3), latents=(2, 1), hidden=((7,), (5,)), activation="gated")

BUILD = {
    "vae": vae,
    "vae-linear": partial(VAE, event_shape=(4,), latent=1, hidden=()),
    "vae-image-tanh": partial(VAE, event_shape=(1, 2, 3), latent=2, hidden=(6, 5), activation="tanh", mean=0.3, spread=0.4),
    "vae-relu-beta": partial(vae, activation="relu", objective=ELBO(beta=4.0, samples=3)),
    "vae-free-nats": partial(vae, objective=ELBO(free_nats=0.1)),
    "vae-iwae": partial(vae, objective=ImportanceBound(samples=5)),
    "vae-mixture": partial(vae, prior=MixturePrior(components=4)),
    "vae-encoded": partial(vae, prior=VampPrior(components=3)),
    "vae-convolutional": partial(VAE, event_shape=(1, 2, 2), latent=2, hidden=(5,), convolutions=(3,), mean=0.3, spread=0.4),
    "vae-sub-pixel": partial(
        VAE, event_shape=(1, 2, 2), latent=2, hidden=(), convolutions=(4,), upsampling="sub-pixel", activation="relu"
    ),
    "vae-one": partial(VAE, event_shape=(1,), latent=1, hidden=(3,)),
    "semi-supervised": partial(SemiSupervisedVAE, event_shape=(1, 2, 2), latent=2, classes=3, hidden=(6,), mean=0.3, spread=0.4),
    "dequantised": lambda: Dequantised(flow=CouplingFlow(event_shape=(3,), layers=2, hidden=(3,), unit=True), levels=2),
    "ladder": ladder,
    "ladder-three-levels": partial(ladder, latents=(2, 2, 1), hidden=((6,), (5,), (4,)), activation="tanh", mean=0.3, spread=0.4),
    "ladder-upward": partial(ladder, event_shape=(5,), inference="upward", activation="relu"),
    "ladder-one-level": partial(ladder, event_shape=(4,), latents=(2,), hidden=((6,),)),
}


def build(name, device="cpu", dtype=torch.float32):
    """The model of this name, its weights moved from their start so that every dependency shows, in eval mode."""
    runtime.seed(0)
    model = BUILD[name]()
    generator = runtime.generator(1)
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator))
            if key.startswith(("prior.mean", "heads", "encoder", "down.1", "down.2")):
                parameter.mul_(0.3)  # otherwise q misses parts of the prior, and importance weights tell nothing
    return model.to(device=device, dtype=dtype).eval()


def examples(model, n, seed=2):
    """n arbitrary examples of 0 and 1, (n, *event_shape)."""
    drawn = torch.rand(n, *model.event_shape, generator=runtime.generator(seed)) < 0.4
    return drawn.to(next(model.parameters()))
