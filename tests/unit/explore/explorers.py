"""Every explorer on small or untrained models, for the sweep over all controls: add a row for each new one.

The key is "family.function", as in course_lib/explore/family.py; a second row of the same function adds a slash and a word.
Builders take nothing and import what they need themselves, so that one broken family does not hide the others.
"""

from collections.abc import Callable

from course_lib.explore.kit.panel import Panel

EXPLORERS: dict[str, Callable[[], Panel]] = {}


def _gallery(names: tuple[str, ...]) -> Panel:
    from course_lib import runtime
    from course_lib.explore.course.gallery import gallery
    from course_lib.models.autoregressive import MADE, NADE

    runtime.seed(0)
    shape = (1, 28, 28)
    models = {"nade": NADE(event_shape=shape, hidden=4), "made": MADE(event_shape=shape, hidden=(8,))}
    return gallery(
        {name: ("untrained, and described at such length that the words have to be cut", models[name]) for name in names}
    )


def _face_maker() -> Panel:
    from course_lib.explore.course.faces import face_maker

    return face_maker()


EXPLORERS["gallery.gallery"] = lambda: _gallery(("nade",))
EXPLORERS["gallery.gallery/nothing trained"] = lambda: _gallery(())
EXPLORERS["faces.face_maker"] = _face_maker


def _one_bump() -> Panel:
    from course_lib.explore.probability.divergences import one_bump

    return one_bump()


EXPLORERS["divergences.one_bump"] = _one_bump


def _digits():
    import torch

    from course_lib import runtime

    return (torch.rand(3, 1, 28, 28, generator=runtime.generator(1)) < 0.2).float()


def _untrained(any_order: bool = False):
    from course_lib import runtime
    from course_lib.models.autoregressive import MADE

    runtime.seed(0)
    return MADE(event_shape=(1, 28, 28), hidden=(8,), any_order=any_order).eval().requires_grad_(False)


def _pixel_player() -> Panel:
    from course_lib.explore.autoregressive.pixels import pixel_player

    return pixel_player({"MADE": _untrained()}, _digits(), streams=2)


def _order_explorer() -> Panel:
    from course_lib.explore.autoregressive.pixels import order_explorer

    return order_explorer(_untrained(any_order=True), _digits())


def _erase_and_complete() -> Panel:
    from course_lib.explore.autoregressive.completion import erase_and_complete

    return erase_and_complete(_untrained(any_order=True), _digits(), raster=_untrained(), copies=3)


EXPLORERS["pixels.pixel_player"] = _pixel_player
EXPLORERS["pixels.order_explorer"] = _order_explorer
EXPLORERS["completion.erase_and_complete"] = _erase_and_complete


def _message_stepper() -> Panel:
    from course_lib.explore.probability.hidden_markov import message_stepper
    from course_lib.models.probability.hidden_markov import CategoricalHMM

    model = CategoricalHMM(states=2, symbols=4, length=5, seed=1)
    return message_stepper(model, ["abba", "c", "ab ca"], " abc", ["one", "two"])


def _mixing() -> Panel:
    from course_lib.explore.probability.hidden_markov import mixing

    return mixing(steps=50)


EXPLORERS["hidden_markov.message_stepper"] = _message_stepper
EXPLORERS["hidden_markov.mixing"] = _mixing


def _factorisation(name: str) -> Panel:
    from course_lib.explore.probability import factorisation
    from course_lib.models.probability.enumeration import all_states

    x = all_states(9)[:400].reshape(-1, 1, 3, 3)
    return getattr(factorisation, name)(x[:300], x[300:])


EXPLORERS["factorisation.draw_factorisation"] = lambda: _factorisation("draw_factorisation")
EXPLORERS["factorisation.training_size"] = lambda: _factorisation("training_size")


def _plane():
    import torch

    from course_lib import runtime

    g = runtime.generator(0)
    return torch.randn(40, 2, generator=g) + 4 * torch.randint(2, (40, 1), generator=g)


def _em_stepper() -> Panel:
    from course_lib.explore.probability.mixtures import em_stepper

    return em_stepper(_plane(), steps=5, most=3)


def _choose_components() -> Panel:
    from course_lib.explore.probability.mixtures import choose_components

    return choose_components(_plane()[:20], _plane()[20:], most=3)


EXPLORERS["mixtures.em_stepper"] = _em_stepper
EXPLORERS["mixtures.choose_components"] = _choose_components


def _fit_by_hand() -> Panel:
    from course_lib.datasets import load
    from course_lib.explore.probability.density import fit_by_hand

    return fit_by_hand(load("old_faithful").x[:, 0], title="durations", unit="minutes")


EXPLORERS["density.fit_by_hand"] = _fit_by_hand


def _bits_as_you_draw() -> Panel:
    from course_lib.explore.autoregressive.compression import bits_as_you_draw

    return bits_as_you_draw({"MADE": _untrained(), "another": _untrained()}, _digits())


EXPLORERS["compression.bits_as_you_draw"] = _bits_as_you_draw


def _forecaster() -> Panel:
    from course_lib.datasets import load
    from course_lib.explore.autoregressive.series import forecaster

    series, years = load("sunspots")
    return forecaster(series[:60], years[:60], learned=40, lags=3, most=5, ahead=12)


EXPLORERS["series.forecaster"] = _forecaster


def _gradient_reach() -> Panel:
    from course_lib.explore.sequence.recurrent import gradient_reach

    return gradient_reach(lags=12, hidden=4, sequences=2)


def _gate_watcher(cell: str) -> Panel:
    from course_lib import runtime
    from course_lib.explore.sequence.recurrent import gate_watcher
    from course_lib.models.sequence import CharacterModel

    runtime.seed(0)
    model = CharacterModel(states=4, length=9, cell=cell, hidden=6).eval().requires_grad_(False)
    return gate_watcher(
        model, " abc", {"the first": [0, 1], "others": [5, 2, 3]}, text="ab ca b", examples=("abc " * 30,), wide=20
    )


EXPLORERS["recurrent.gradient_reach"] = _gradient_reach
EXPLORERS["recurrent.gate_watcher"] = lambda: _gate_watcher("lstm")
EXPLORERS["recurrent.gate_watcher/a GRU"] = lambda: _gate_watcher("gru")


def _attention_map() -> Panel:
    from course_lib import runtime
    from course_lib.datasets import numerals
    from course_lib.explore.sequence.hierarchy import attention_map
    from course_lib.models.sequence import Seq2Seq

    runtime.seed(0)
    models = {}
    for source, to in (("decimal", "roman"), ("roman", "decimal")):
        models[to] = Seq2Seq(
            source_symbols=len(numerals.alphabet(source)) - 1, target_symbols=len(numerals.alphabet(to)),
            source_length=numerals.LONGEST[source], target_length=numerals.LONGEST[to] + 1, hidden=8, embedding=4,
        ).eval().requires_grad_(False)  # fmt: skip
    return attention_map(models)


def _change_the_plan() -> Panel:
    from course_lib import runtime
    from course_lib.explore.sequence.hierarchy import change_the_plan
    from course_lib.models.sequence import NestedRNN

    runtime.seed(0)
    model = NestedRNN(states=4, length=8, separators=[0], longest=5, upper=6, reader=4, lower=6, embedding=3)
    return change_the_plan(model.eval().requires_grad_(False), " abc", ["ab ", "c cab ", "b "], streams=3, length=12)


EXPLORERS["hierarchy.attention_map"] = _attention_map
EXPLORERS["hierarchy.change_the_plan"] = _change_the_plan


def _receptive_fields() -> Panel:
    from course_lib.explore.autoregressive.receptive import receptive_fields
    from course_lib.models.autoregressive import GatedPixelCNN, RowLSTM

    kinds = {"gated PixelCNN": GatedPixelCNN, "Row LSTM": RowLSTM}
    return receptive_fields({name: kind(event_shape=(1, 9, 8), features=2, layers=2) for name, kind in kinds.items()})


def _keep_rows() -> Panel:
    import torch

    from course_lib import runtime
    from course_lib.explore.autoregressive.rows import keep_rows
    from course_lib.models.autoregressive import DiagonalBiLSTM, PixelCNN

    runtime.seed(0)
    kinds = {"PixelCNN": PixelCNN, "Diagonal BiLSTM": DiagonalBiLSTM}
    models = {name: kind(event_shape=(1, 6, 5), features=4, layers=1).requires_grad_(False) for name, kind in kinds.items()}
    return keep_rows(models, (torch.rand(3, 1, 6, 5, generator=runtime.generator(1)) < 0.4).float(), copies=3)


EXPLORERS["receptive.receptive_fields"] = _receptive_fields
EXPLORERS["rows.keep_rows"] = _keep_rows


def _autoencoders(latents=(1, 2)):
    from course_lib import runtime
    from course_lib.models.latent.autoencoder import Autoencoder

    runtime.seed(0)
    return {k: Autoencoder(event_shape=(1, 28, 28), latent=k, widths=(6,)).requires_grad_(False) for k in latents}


def _latent_plane(labelled: bool) -> Panel:
    import torch

    from course_lib.explore.latent.codes import latent_plane

    codes = 3 * torch.randn(30, 2, generator=torch.Generator().manual_seed(0)) + 1
    return latent_plane(_autoencoders()[2].decode, codes, torch.arange(30) % 10 if labelled else None)


def _bottleneck() -> Panel:
    from course_lib.explore.latent.codes import bottleneck
    from course_lib.models.latent.pca import PCA

    return bottleneck(_autoencoders(), PCA(event_shape=(1, 28, 28), latent=2).estimate(_digits()), _digits())


def _denoise() -> Panel:
    from course_lib.explore.latent.codes import denoise

    return denoise(*_autoencoders((2, 3)).values(), _digits())


def _overlaps() -> Panel:
    from course_lib.explore.latent.codes import overlaps

    return overlaps()


EXPLORERS["codes.latent_plane"] = lambda: _latent_plane(labelled=True)
EXPLORERS["codes.latent_plane/without labels"] = lambda: _latent_plane(labelled=False)
EXPLORERS["codes.bottleneck"] = _bottleneck
EXPLORERS["codes.denoise"] = _denoise
EXPLORERS["codes.overlaps"] = _overlaps


def _levels() -> Panel:
    from course_lib import runtime
    from course_lib.explore.latent.levels import resample_a_level
    from course_lib.models.latent import HierarchicalVAE

    runtime.seed(0)
    model = HierarchicalVAE(event_shape=(1, 28, 28), latents=(4, 3, 2), hidden=((8,), (6,), (5,)))
    return resample_a_level(model.eval().requires_grad_(False), _digits(), shown=3)


def _coarse_to_fine() -> Panel:
    from course_lib import runtime
    from course_lib.datasets import faces
    from course_lib.explore.latent.levels import coarse_to_fine
    from course_lib.models.latent import VectorQuantised
    from course_lib.models.sequence import CausalTransformer

    runtime.seed(0)
    coder = VectorQuantised(event_shape=(3, 32, 32), scales=(4, 8), states=5, width=3, features=4).eval().requires_grad_(False)
    prior = CausalTransformer(states=5, length=80, width=8, heads=2, layers=1).eval().requires_grad_(False)
    return coarse_to_fine(coder, prior, faces.draw(faces.sample_factors(3, runtime.generator(0))), draws=4)


EXPLORERS["levels.resample_a_level"] = _levels
EXPLORERS["levels.coarse_to_fine"] = _coarse_to_fine


def _small_vaes(count: int = 1):
    from course_lib import runtime
    from course_lib.datasets import close_ups
    from course_lib.models.latent import VAE

    runtime.seed(0)
    small = {"event_shape": close_ups.SHAPE, "latent": 3, "hidden": (8,), "activation": "relu", "output": "gaussian"}
    return [VAE(**small).eval().requires_grad_(False) for _ in range(count)]


def _traversal() -> Panel:
    from course_lib import datasets
    from course_lib.explore.latent.traversal import traversal

    return traversal(_small_vaes()[0], datasets.load("close_ups", "validation").x[:4])


def _interpolation() -> Panel:
    from course_lib import datasets
    from course_lib.explore.latent.traversal import interpolation
    from course_lib.models.latent import VAE

    of_faces = _small_vaes()[0]
    of_digits = VAE(event_shape=(1, 28, 28), latent=5, hidden=(6,)).eval().requires_grad_(False)
    faces = datasets.load("close_ups", "validation").x[:4]
    return interpolation({"digits": (of_digits, _digits()), "faces": (of_faces, faces)}, steps=5)


def _beta_scrubber() -> Panel:
    from course_lib.datasets import close_ups, load
    from course_lib.explore.latent.traversal import beta_scrubber

    x, factors = load("close_ups", "validation")
    return beta_scrubber(dict(zip((1, 2, 4), _small_vaes(3), strict=True)), x[:100], factors[:100], close_ups.FACTORS)


EXPLORERS["traversal.traversal"] = _traversal
EXPLORERS["traversal.interpolation"] = _interpolation
EXPLORERS["traversal.beta_scrubber"] = _beta_scrubber


def _planar_vae(**given):
    from course_lib import runtime
    from course_lib.models.latent import VAE

    runtime.seed(0)
    return VAE(event_shape=(1, 28, 28), latent=2, hidden=(5,), **given).requires_grad_(False)


def _drag_q() -> Panel:
    from course_lib.explore.latent.posterior import drag_q

    return drag_q(_planar_vae(), _digits())


def _planes() -> Panel:
    import torch

    from course_lib.explore.latent.posterior import planes

    return planes({"KL on": _planar_vae(), "KL off": _planar_vae(beta=0.0)}, _digits(), torch.arange(3))


EXPLORERS["posterior.drag_q"] = _drag_q
EXPLORERS["posterior.planes"] = _planes
