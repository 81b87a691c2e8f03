"""The explorers of diffusion models, for the sweep over all controls. A row's builder imports what it needs itself."""


def _exact_field():
    from course_lib.explore.diffusion.exact_field import exact_field

    return exact_field()


def _scribble():
    from small_models import seeded

    from course_lib.explore.diffusion.scribble import scribble
    from course_lib.models.diffusion.flow_matching import VelocityFlow
    from course_lib.nn.velocity import TimedUNet

    with seeded():
        network = TimedUNet(sides=(8, 8), widths=(8, 8), told=8, rows=4)
        flow = VelocityFlow(network=network, event_shape=(1, 8, 8), classes=3, low=0.0, high=1.0)
    return scribble(flow.eval().requires_grad_(False))


def _guidance_dial():
    import torch

    from course_lib import runtime
    from course_lib.explore.diffusion.guidance_dial import guidance_dial

    pictures = torch.rand(4, 16, 1, 28, 28, generator=runtime.generator(0))
    numbers = {"recognised, %": [20.0, 80.0, 95.0, 99.0], "variance": [5.0, 4.0, 2.0, 0.0], "flat": [0.0] * 4}
    return guidance_dial([0.0, 1.0, 2.0, 8.0], pictures, numbers)


def _two_scores():
    """Two humps with their exact score, and an untrained network of it."""
    from small_models import seeded

    from course_lib.models.diffusion.score import DenoisingScore, SmoothedMixture
    from course_lib.nn.velocity import TimedDense

    told = {"lowest": 0.05, "highest": 5.0}
    exact = SmoothedMixture(probs=[0.8, 0.2], mean=[[2.0, 1.0], [-2.0, -1.0]], scale=[0.5, 0.5], **told)
    with seeded():
        learned = DenoisingScore(network=TimedDense(size=2, width=16, blocks=1), event_shape=(2,), **told)
    return exact, learned.requires_grad_(False)


def _compass():
    from course_lib.explore.diffusion.compass import compass

    return compass(*_two_scores())


def _melt_and_cool():
    from course_lib.explore.diffusion.cooling import melt_and_cool

    return melt_and_cool(*_two_scores())


def _how_long_a_step():
    from course_lib.explore.diffusion.step_size import how_long_a_step

    return how_long_a_step()


EXPLORERS = {
    "compass.compass": _compass,
    "cooling.melt_and_cool": _melt_and_cool,
    "exact_field.exact_field": _exact_field,
    "scribble.scribble": _scribble,
    "guidance_dial.guidance_dial": _guidance_dial,
    "step_size.how_long_a_step": _how_long_a_step,
}
