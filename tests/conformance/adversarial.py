"""The one table of adversarial models, small. Add a row, and test_adversarial.py runs it.

A row: how the model is built, and n arbitrary examples of its data, a tensor or a tuple of tensors.
"""

import torch

from course_lib import runtime
from course_lib.models.adversarial import GAN
from course_lib.models.adversarial.conditional import ConditionalGAN
from course_lib.models.adversarial.cycle import CycleGAN
from course_lib.models.adversarial.objectives import LeastSquares, Minimax, NonSaturating, Relativistic, Wasserstein
from course_lib.models.adversarial.penalties import UnitSlope, ZeroCentred
from course_lib.models.adversarial.translation import PairedTranslator
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator, PointNetwork
from course_lib.nn.conditional import LabelledGenerator, PairDiscriminator, ProjectionDiscriminator
from course_lib.nn.unet import UNet

IMAGE = (1, 8, 8)


def points(**settings):
    return GAN(
        generator=PointNetwork(inputs=3, hidden=(6,), outputs=2),
        discriminator=PointNetwork(inputs=2, hidden=(6, 5), activation="tanh"),
        event_shape=(2,),
        noise=3,
        **settings,
    )


def images(normalisation="none", spectral=False, **settings):
    return GAN(
        generator=ImageGenerator(noise=4, event_shape=IMAGE, channels=(6, 5)),
        discriminator=ImageDiscriminator(event_shape=IMAGE, channels=(3, 4), normalisation=normalisation, spectral=spectral),
        event_shape=IMAGE,
        noise=4,
        **settings,
    )


def conditional(**settings):
    return ConditionalGAN(
        generator=LabelledGenerator(
            generator=ImageGenerator(noise=6, event_shape=IMAGE, channels=(6, 5)), classes=3, embedding=2
        ),
        discriminator=ProjectionDiscriminator(discriminator=ImageDiscriminator(event_shape=IMAGE, channels=(3, 4)), classes=3),
        event_shape=IMAGE,
        noise=4,
        classes=3,
        **settings,
    )


def translator(**settings):
    network = UNet(inputs=1, outputs=1, channels=(8, 16), sides=(8, 8))
    return PairedTranslator(
        generator=network,
        discriminator=PairDiscriminator(inputs=2, channels=(4, 6)),
        input_shape=IMAGE,
        event_shape=IMAGE,
        noise=network.noise,
        **settings,
    )


def cycle(**settings):
    return CycleGAN(
        to_a=PointNetwork(inputs=2, hidden=(6,), outputs=2),
        to_b=PointNetwork(inputs=2, hidden=(6,), outputs=2),
        discriminator_a=PointNetwork(inputs=2, hidden=(6,)),
        discriminator_b=PointNetwork(inputs=2, hidden=(6,)),
        event_shapes=[(2,), (2,)],
        **settings,
    )


BUILD = {
    "gan": points,
    "gan-minimax": lambda: points(objective=Minimax()),
    "gan-smoothed": lambda: points(objective=NonSaturating(real_target=0.9)),
    "gan-relativistic": lambda: points(objective=Relativistic(), penalty=ZeroCentred(0.3, 0.2)),
    "gan-wasserstein": lambda: points(objective=Wasserstein(), penalty=UnitSlope(0.1)),
    "gan-clipped": lambda: points(objective=Wasserstein(), clip=0.1),
    "gan-noisy": lambda: points(instance_noise=0.3, objective=LeastSquares()),
    "gan-image": images,
    "gan-image-batch": lambda: images("batch"),
    "gan-image-spectral": lambda: images(spectral=True, penalty=UnitSlope()),
    "conditional": conditional,
    "conditional-relativistic": lambda: conditional(objective=Relativistic(), penalty=ZeroCentred()),
    "translator": translator,
    "translator-game-alone": lambda: translator(l1=0.0),
    "cycle": cycle,
    "cycle-identity": lambda: cycle(identity=0.5, cycle=2.0),
}
SAMPLERS = [name for name in BUILD if name.startswith("gan")]
ALONE = [name for name in BUILD if name not in ("gan-image-batch",)]  # no example's logit depends on the others


def build(name, device="cpu", dtype=torch.float32):
    """The model of this name, in eval mode, its statistics of batch normalisation far from their start."""
    runtime.seed(0)
    model = BUILD[name]()
    generator = runtime.generator(1)
    for key, value in model.named_buffers():
        if "running" in key:
            drawn = torch.rand(value.shape, generator=generator)
            value.copy_(0.5 + drawn if "var" in key else 0.1 * drawn)
    return model.to(device=device, dtype=dtype).eval()


def examples(name, model, n, seed=2):
    """n arbitrary examples for the model's players: a tensor, or a tuple of tensors."""
    generator, like = runtime.generator(seed), next(model.parameters())

    def values(shape):
        return torch.rand(n, *shape, generator=generator).to(like)

    if name.startswith("conditional"):
        return values(IMAGE), torch.randint(3, (n,), generator=generator).to(like.device)
    if name.startswith("translator"):
        return values(IMAGE), values(IMAGE)
    return (values((2,)), values((2,))) if name.startswith("cycle") else values(model.event_shape)
