"""The explorers of the whole course, for the sweep over all controls."""

from small_models import seeded


def _gallery(names: tuple[str, ...]):
    from course_lib.explore.course.gallery import gallery
    from course_lib.models.autoregressive import MADE, NADE

    shape = (1, 28, 28)
    with seeded():
        models = {"nade": NADE(event_shape=shape, hidden=4), "made": MADE(event_shape=shape, hidden=(8,))}
    return gallery(
        {name: ("untrained, and described at such length that the words have to be cut", models[name]) for name in names}
    )


def _face_maker():
    from course_lib.explore.course.faces import face_maker

    return face_maker()


def _guess_the_score():
    import torch

    from course_lib import runtime
    from course_lib.explore.course.guess_the_score import Wall, guess_the_score

    draw = runtime.generator(0)
    images = torch.rand(5, 110, 1, 28, 28, generator=draw)
    walls = [
        Wall("grey", images[0], False), Wall("greyer", images[1] / 2, False),
        Wall("binary", images[2].round(), True, 80.0, "exact"), Wall("sparse", (images[3] < 0.2).float(), True, 90.0, "bound"),
    ]  # fmt: skip
    seen = {"a few pixels": lambda x: x.flatten(1)[:, :20], "pixels": lambda x: x[..., ::7, ::7].flatten(1)}
    return guess_the_score(walls, (images[4], images[4].round()), seen, counts=(50, 70, 100))


def _two_clouds():
    from course_lib.explore.course.two_clouds import two_clouds

    return two_clouds()


def _threshold():
    import torch

    from course_lib import runtime
    from course_lib.explore.course.threshold import threshold

    draw = runtime.generator(0)
    images = torch.rand(2, 30, 1, 28, 28, generator=draw)
    scores = {"sum": tuple(x.flatten(1).sum(1) for x in images), "constant": (torch.zeros(30), torch.zeros(30))}
    return threshold(
        {"these, those": (scores, *images), "those, these": ({k: v[::-1] for k, v in scores.items()}, *images.flip(0))}
    )


def _own_samples():
    import torch

    from course_lib import runtime
    from course_lib.explore.course.generations import own_samples

    codes = torch.randn(9, 10, 3, generator=runtime.generator(0))
    return own_samples(codes, lambda z: z[:, :1, None, None].expand(-1, 1, 28, 28), sizes=(4, 12), count=3)


EXPLORERS = {
    "threshold.threshold": _threshold,
    "generations.own_samples": _own_samples,
    "guess_the_score.guess_the_score": _guess_the_score,
    "two_clouds.two_clouds": _two_clouds,
    "gallery.gallery": lambda: _gallery(("nade",)),
    "gallery.gallery/nothing trained": lambda: _gallery(()),
    "faces.face_maker": _face_maker,
}
