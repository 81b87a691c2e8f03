"""The explorers of the whole course, for the sweep over all controls."""

from small_models import seeded


def _small():
    """Name -> an untrained model of digits of each kind: exact, bound, none."""
    from course_lib.models.autoregressive import MADE, NADE
    from course_lib.models.energy.rbm import RBM
    from course_lib.models.latent import VAE

    shape = (1, 28, 28)
    with seeded():
        return {
            "nade": NADE(event_shape=shape, hidden=4).eval(), "made": MADE(event_shape=shape, hidden=(8,)).eval(),
            "vae": VAE(event_shape=shape, latent=2, hidden=(8,)).eval(), "rbm": RBM(event_shape=shape, hidden=30).eval(),
        }  # fmt: skip


def _gallery(names: tuple[str, ...]):
    from course_lib.explore.course.gallery import Exhibit, gallery

    words, models = "untrained, and described at such length that the words have to be cut", _small()
    drawn = {name: Exhibit(words, lambda n, made, name=name: models[name].sample(n, generator=made)) for name in names}
    return gallery({"first": drawn, "second": dict(list(drawn.items())[:1])} if names else {})


def _lines():
    """Lines of a table with and without numbers, of several families and kinds, two of them equal."""
    from course_lib.training.scores.lines import Line
    from course_lib.training.scores.pictures import packed

    digits = packed(digits_of_noise().expand(3, 1, 28, 28))
    few = {"seconds": 1.0, "fid_binary": 12.0, "precision": 0.7, "recall": 0.5, "parameters": 2e4, "minutes": 3.0}
    errors = {"fid_binary": 1.0, "nats": 0.2, "bits": 0.01, "fid_grey": 2.0}
    words = {"about": "a model " * 20, "how": "log p", "paper": "= 88.33 nats", "source": "Somebody, Somebody & Somebody 2011"}
    return [
        Line("one", "", "autoregressive", "binary", "exact", {**few, "nats": 84.0}, errors, words, digits),
        Line("equal", "", "latent", "binary", "bound", {**few, "nats": 83.0}, errors, words, digits),
        Line("equal", "ELBO", "latent", "binary", "bound", {"nats": 87.0}, errors, words),
        Line("grey", "", "flows", "grey", "bound", {"bits": 1.15, "fid_grey": 40.0, "seconds": 0.01}, errors, words, digits),
        Line("a name of a model that is too long to be shown", "", "adversarial", "grey", "cannot", {}, {}, words),
    ]


def digits_of_noise():
    import torch

    from course_lib import runtime

    return (torch.rand(1, 1, 28, 28, generator=runtime.generator(1)) < 0.2).float()


def _scoreboard():
    from course_lib.explore.course.scoreboard import scoreboard

    return scoreboard(_lines())


def _trade_offs(count: int):
    from course_lib.explore.course.trade_offs import trade_offs

    return trade_offs(_lines()[:count])


def _everyone():
    from course_lib.explore.course.everyone import everyone_answers

    models = _small()
    pages = {"these": {name: models[name] for name in ("nade", "vae", "rbm")}, "those": {"made": models["made"]}}
    return everyone_answers(pages, digits_of_noise()[0], log_z={"rbm": 500.0})


def _guessing():
    from course_lib.explore.course.guessing import real_or_generated

    x = digits_of_noise()
    return real_or_generated({"nade": x, "gan": x * 0.7}, (x.flip(-1), x.flip(-1) * 0.5), length=20)


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
    "scoreboard.scoreboard": _scoreboard,
    "trade_offs.trade_offs": lambda: _trade_offs(5),
    "trade_offs.trade_offs/no model": lambda: _trade_offs(0),
    "everyone.everyone_answers": _everyone,
    "guessing.real_or_generated": _guessing,
    "gallery.gallery": lambda: _gallery(("nade", "vae")),
    "gallery.gallery/nothing trained": lambda: _gallery(()),
    "faces.face_maker": _face_maker,
}
