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


def _pairings():
    import torch

    from course_lib.explore.adversarial.pairings import pairings

    a, b = torch.tensor([[0.0, 0], [1, 0], [0, 1]]), torch.tensor([[1.0, 1], [-1, 0], [0, -1]])
    return pairings(a, b, [[0, 1, 2], [0, 1, 2], [2, 0, 1], None])


def _clouds():
    import torch

    from course_lib import runtime
    from course_lib.datasets import unpaired
    from course_lib.explore.adversarial.clouds import clouds
    from course_lib.training.films import Recording

    points, labels = unpaired.crescents(20, generator=runtime.generator(0))
    film = Recording(torch.rand(3, 40, 4, generator=runtime.generator(1)), [0, 10, 20], {})
    return clouds({(cycle, identity): film for cycle in (False, True) for identity in (False, True)}, points, labels, seeds=2)


def _there_and_back():
    import torch
    from small_models import seeded

    from course_lib import runtime
    from course_lib.explore.adversarial.there_and_back import there_and_back
    from course_lib.models.adversarial.cycle import CycleGAN
    from course_lib.nn.patches import PatchDiscriminator
    from course_lib.nn.residual import ResidualTranslator

    with seeded():
        small = {"channels": (4, 6), "blocks": 1}
        model = CycleGAN(
            to_a=ResidualTranslator(channels_in=1, channels_out=3, **small),
            to_b=ResidualTranslator(channels_in=3, channels_out=1, **small),
            discriminator_a=PatchDiscriminator(channels_in=3, channels=(2, 2)),
            discriminator_b=PatchDiscriminator(channels_in=1, channels=(2, 2)),
            event_shapes=((3, 8, 8), (1, 8, 8)),
        )
    g = runtime.generator(0)
    a, b = torch.rand(3, 3, 8, 8, generator=g), torch.rand(4, 1, 8, 8, generator=g)
    return there_and_back({"a to b": (model, a, "b"), "b to a": (model, b, "a")})


def _two_piles():
    from course_lib.explore.adversarial.two_piles import two_piles

    return two_piles()


def _critic_by_network():
    import torch

    from course_lib.explore.adversarial.critic_by_network import critic_by_network

    return critic_by_network(torch.tensor([0.0, 1.0, 9.0]), torch.tensor([4.0, 5.0, 6.0, 7.0]), steps=20)


def _critic_film():
    import torch

    from course_lib import runtime
    from course_lib.explore.adversarial.critic_film import critic_film
    from course_lib.training.films import Recording

    def film(seed):
        x = torch.randn(3, 10, 2, generator=runtime.generator(seed))
        names = [f"{what}/{i}" for what in ("estimate", "transport") for i in range(2)] + [
            f"weights/{k / 10}" for k in (-1, 0, 1)
        ]
        return Recording(x, [0, 10, 20], {name: [0.1 * place + seed, 0.5, 0.3] for place, name in enumerate(names)})

    return critic_film({"penalty": film(0), "clipping": film(1)}, torch.randn(20, 2, generator=runtime.generator(2)), seeds=2)


def _draw_edges():
    import torch
    from small_models import digits, seeded

    from course_lib.explore.adversarial.draw_edges import draw_edges
    from course_lib.models.adversarial.translation import PairedTranslator
    from course_lib.nn.conditional import PairDiscriminator
    from course_lib.nn.unet import UNet

    def translator(judged):
        network, image = UNet(channels=(8, 8)), (1, 28, 28)
        judge = PairDiscriminator(channels=(2, 2)) if judged else None
        settings = {"input_shape": image, "event_shape": image, "noise": network.noise, "adversarial": float(judged)}
        return PairedTranslator(generator=network, discriminator=judge, **settings).eval().requires_grad_(False)

    with seeded(), torch.no_grad():
        return draw_edges({"alone": translator(False), "both": translator(True)}, digits()[:3])


def _labels_by_noise():
    from small_models import seeded

    from course_lib.explore.adversarial.labels_by_noise import labels_by_noise
    from course_lib.models.adversarial.conditional import ConditionalGAN
    from course_lib.models.classifier import FeatureClassifier
    from course_lib.nn.adversarial import ImageGenerator
    from course_lib.nn.conditional import LabelledGenerator

    with seeded():
        network = LabelledGenerator(generator=ImageGenerator(noise=6, channels=(4, 4)), classes=3, embedding=2)
        model = ConditionalGAN(generator=network, event_shape=(1, 28, 28), noise=4, classes=3).eval().requires_grad_(False)
        judge = FeatureClassifier(event_shape=(1, 28, 28)).eval().requires_grad_(False)
    return labels_by_noise(model, judge, columns=3)


EXPLORERS = {
    "generator_by_hand.be_the_generator": _be_the_generator,
    "two_numbers.two_numbers": _two_numbers,
    "mode_film.mode_film": _mode_film,
    "noise_walk.noise_walk": _noise_walk,
    "pairings.pairings": _pairings,
    "clouds.clouds": _clouds,
    "there_and_back.there_and_back": _there_and_back,
    "two_piles.two_piles": _two_piles,
    "critic_by_network.critic_by_network": _critic_by_network,
    "critic_film.critic_film": _critic_film,
    "draw_edges.draw_edges": _draw_edges,
    "labels_by_noise.labels_by_noise": _labels_by_noise,
}
