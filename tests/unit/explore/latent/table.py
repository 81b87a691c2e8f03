"""The explorers of models with latent variables, for the sweep over all controls."""

from small_models import digits, seeded


def _autoencoders(latents=(1, 2)):
    from course_lib.models.latent.autoencoder import Autoencoder

    with seeded():
        return {k: Autoencoder(event_shape=(1, 28, 28), latent=k, widths=(6,)).requires_grad_(False) for k in latents}


def _latent_plane(labelled: bool):
    import torch

    from course_lib import runtime
    from course_lib.explore.latent.codes import latent_plane

    codes = 3 * torch.randn(30, 2, generator=runtime.generator(0)) + 1
    return latent_plane(_autoencoders()[2].decode, codes, torch.arange(30) % 10 if labelled else None)


def _bottleneck():
    from course_lib.explore.latent.codes import bottleneck
    from course_lib.models.latent.pca import PCA

    return bottleneck(_autoencoders(), PCA(event_shape=(1, 28, 28), latent=2).estimate(digits()), digits())


def _denoise():
    from course_lib.explore.latent.codes import denoise

    return denoise(*_autoencoders((2, 3)).values(), digits())


def _through_a_line():
    import torch

    from course_lib import runtime
    from course_lib.explore.latent.lines import through_a_line

    x = torch.randn(20, 2, generator=runtime.generator(0))
    return through_a_line(x - x.mean(0), names=("across", "up"))


def _overlaps():
    from course_lib.explore.latent.codes import overlaps

    return overlaps()


def _resample_a_level():
    from course_lib.explore.latent.levels import resample_a_level
    from course_lib.models.latent import HierarchicalVAE

    with seeded():
        model = HierarchicalVAE(event_shape=(1, 28, 28), latents=(4, 3, 2), hidden=((8,), (6,), (5,)))
    return resample_a_level(model.eval().requires_grad_(False), digits(), shown=3)


def _coarse_to_fine():
    from course_lib import runtime
    from course_lib.datasets import faces
    from course_lib.explore.latent.levels import coarse_to_fine
    from course_lib.models.latent import VectorQuantised
    from course_lib.models.sequence import CausalTransformer

    with seeded():
        coder = VectorQuantised(event_shape=(3, 32, 32), scales=(4, 8), entries=5, width=3, features=4)
        prior = CausalTransformer(symbols=5, length=80, width=8, heads=2, layers=1)
    coder, prior = (model.eval().requires_grad_(False) for model in (coder, prior))
    return coarse_to_fine(coder, prior, faces.draw(faces.sample_factors(3, runtime.generator(0))), draws=4)


def _small_vaes(count: int = 1):
    from course_lib.datasets import close_ups
    from course_lib.models.latent import VAE

    small = {"event_shape": close_ups.SHAPES[32], "latent": 5, "hidden": (), "convolutions": (2, 2, 2), "upsampling": "sub-pixel"}
    small |= {"activation": "relu", "output": "gaussian"}
    with seeded():
        return [VAE(**small).eval().requires_grad_(False) for _ in range(count)]


def _close_ups(count: int):
    from course_lib import runtime
    from course_lib.datasets import close_ups

    factors = close_ups.sample_factors(count, runtime.generator(0))
    return close_ups.draw(factors, 32), factors


def _traversal():
    from course_lib.explore.latent.traversal import traversal

    return traversal(_small_vaes()[0], _close_ups(4)[0])


def _pads():
    from course_lib.explore.latent.pads import pads

    return pads(_small_vaes()[0], _close_ups(4)[0], about={0: "one", 1: "other"})


def _morph():
    from course_lib.explore.latent.morph import morph

    return morph(_small_vaes()[0], _close_ups(4)[0], stops=3)


def _interpolation():
    from course_lib.explore.latent.morph import interpolation
    from course_lib.models.latent import VAE

    of_faces = _small_vaes()[0]
    with seeded():
        of_digits = VAE(event_shape=(1, 28, 28), latent=5, hidden=(6,)).eval().requires_grad_(False)
    return interpolation({"digits": (of_digits, digits()), "faces": (of_faces, _close_ups(4)[0])}, steps=5)


def _beta_scrubber():
    from course_lib.datasets import close_ups
    from course_lib.explore.latent.traversal import beta_scrubber

    return beta_scrubber(dict(zip((1, 2, 4), _small_vaes(3), strict=True)), *_close_ups(100), close_ups.FACTORS)


def _vae_of_the_plane(**given):
    from course_lib.models.latent import VAE

    with seeded():
        return VAE(event_shape=(1, 28, 28), latent=2, hidden=(5,), **given).requires_grad_(False)


def _drag_q():
    from course_lib.explore.latent.posterior import drag_q

    return drag_q(_vae_of_the_plane(), digits())


def _planes():
    import torch

    from course_lib.explore.latent.posterior import planes

    return planes({"first": _vae_of_the_plane(), "second": _vae_of_the_plane()}, digits(), torch.arange(3))


EXPLORERS = {
    "lines.through_a_line": _through_a_line,
    "codes.latent_plane": lambda: _latent_plane(labelled=True),
    "codes.latent_plane/without labels": lambda: _latent_plane(labelled=False),
    "codes.bottleneck": _bottleneck,
    "codes.denoise": _denoise,
    "codes.overlaps": _overlaps,
    "levels.resample_a_level": _resample_a_level,
    "levels.coarse_to_fine": _coarse_to_fine,
    "traversal.traversal": _traversal,
    "morph.interpolation": _interpolation,
    "morph.morph": _morph,
    "pads.pads": _pads,
    "traversal.beta_scrubber": _beta_scrubber,
    "posterior.drag_q": _drag_q,
    "posterior.planes": _planes,
}
