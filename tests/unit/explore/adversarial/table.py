"""The explorers of adversarial models, for the sweep over all controls. A row's builder imports what it needs itself."""


def _be_the_generator():
    from course_lib.explore.adversarial.generator_by_hand import be_the_generator

    return be_the_generator()


def _two_numbers():
    from course_lib.explore.adversarial.two_numbers import two_numbers

    return two_numbers()


def _mode_film():
    import torch

    from course_lib import runtime
    from course_lib.datasets import toys
    from course_lib.explore.adversarial.mode_film import mode_film
    from course_lib.training.films import Recording

    def film(modes):
        x = modes.draw(3 * 4 * 5, generator=runtime.generator(0)).view(3, 20, 2)
        return Recording(torch.cat([x, torch.ones(3, 20, 1)], 2), [0, 10, 20], {})

    both = {"ring": toys.PACGAN_RING, "grid": toys.PACGAN_GRID}
    return mode_film({toy: {name: film(modes) for name in ("one", "two")} for toy, modes in both.items()}, both, seeds=4)


def _noise_walk():
    import torch
    from small_models import digits, seeded

    from course_lib import runtime
    from course_lib.explore.adversarial.noise_walk import noise_walk
    from course_lib.models.adversarial import GAN
    from course_lib.models.classifier import FeatureClassifier
    from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator

    def gan():
        players = {"generator": ImageGenerator(noise=8, channels=(4, 4)), "discriminator": ImageDiscriminator(channels=(2, 2))}
        return GAN(**players, event_shape=(1, 28, 28), noise=8).eval().requires_grad_(False)

    with seeded():
        networks, judge = {"one": gan(), "two": gan()}, FeatureClassifier(event_shape=(1, 28, 28)).eval().requires_grad_(False)
    training = torch.rand(40, 1, 28, 28, generator=runtime.generator(0))
    return noise_walk(networks, judge, training, digits(), judged=30)


EXPLORERS = {
    "generator_by_hand.be_the_generator": _be_the_generator,
    "two_numbers.two_numbers": _two_numbers,
    "mode_film.mode_film": _mode_film,
    "noise_walk.noise_walk": _noise_walk,
}
