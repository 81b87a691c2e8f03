"""Odd arguments and odd data, given to every model there is: a right number or a ValueError, never another error or a NaN."""

import inspect
import math

import adversarial
import configs
import energies
import flows
import latents
import numpy as np
import pytest
import sequences
import torch

from course_lib import runtime
from course_lib.models.classifier import FeatureClassifier
from course_lib.models.contrastive import ContrastiveFeatures
from course_lib.models.diffusion.ddpm import DDPM
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.diffusion.latent_flow import LatentFlow
from course_lib.models.diffusion.masked import MaskedDiffusion
from course_lib.models.diffusion.mean_flow import MeanFlow
from course_lib.models.diffusion.noisy_classifier import NoisyClassifier
from course_lib.models.diffusion.point_set import PointSetFlow
from course_lib.models.diffusion.score import DenoisingScore, SmoothedMixture
from course_lib.models.factors import FactorReader
from course_lib.models.latent import Autoencoder, VectorQuantised
from course_lib.models.latent.pca import PCA
from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.models.probability.hidden_markov_gaussian import GaussianHMM
from course_lib.models.probability.markov_chain import MarkovChain
from course_lib.models.protocols import configuration
from course_lib.nn.velocity import TimedDense


def timed(**more):
    return TimedDense(size=3, width=8, blocks=1, **more)


OTHERS = {
    "contrastive": lambda: ContrastiveFeatures(event_shape=(1, 8, 8), channels=(2, 3, 4), width=5, projection=3),
    "factors": lambda: FactorReader(event_shape=(1, 8, 8), ranges=[(0, 1), (-1, 1)], channels=(2, 3), width=4),
    "ddpm": lambda: DDPM(flow=VelocityFlow(network=timed(), event_shape=(3,)), times=(0.1, 0.5, 1.0)),
    "latent-flow": lambda: LatentFlow(
        flow=VelocityFlow(network=timed(), event_shape=(3,)), latent=4, kept=(0, 2, 3), mean=(0.0, 1.0, 2.0), spread=(1.0,) * 3
    ),
    "mean-flow": lambda: MeanFlow(network=timed(spans=True), event_shape=(3,)),
    "points": lambda: PointSetFlow(points=torch.tensor([[0.0, 1.0], [2.0, 3.0]]), scale=0.1),
    "smoothed-mixture": lambda: SmoothedMixture(probs=(0.5, 0.5), mean=((0.0, 1.0), (2.0, 3.0)), scale=(0.5, 1.0)),
    "denoising-score": lambda: DenoisingScore(network=timed(), event_shape=(3,), lowest=0.1, highest=5.0),
    "autoencoder": lambda: Autoencoder(event_shape=(1, 4, 4), latent=2, widths=(5,)),
    "autoencoder-noisy": lambda: Autoencoder(event_shape=(6,), latent=2, widths=(5,), noise=0.1),
    "vector-quantised": lambda: VectorQuantised(event_shape=(3, 16, 16), entries=8, scales=(4,), width=4, features=4),
    "pca": lambda: PCA(event_shape=(3,), latent=2),
    "hmm": lambda: CategoricalHMM(states=2, symbols=3, length=4),
    "hmm-gaussian": lambda: GaussianHMM(states=2, length=3),
    "markov-chain": lambda: MarkovChain(states=3, length=4),
    "velocity-flow": lambda: VelocityFlow(network=TimedDense(size=3, width=8, blocks=1), event_shape=(3,), low=0.0, high=1.0),
    "masked": lambda: MaskedDiffusion(event_shape=(1, 4, 4), widths=(8, 8), told=8),
    "noisy-classifier": lambda: NoisyClassifier(event_shape=(1, 8, 8), classes=3, channels=(2, 3, 4), width=5),
    "classifier": lambda: FeatureClassifier(event_shape=(1, 8, 8), classes=3, channels=(2, 3, 4), width=5),
}
GAMES = {name: adversarial.BUILD[name] for name in ("gan", "conditional", "translator", "cycle")}
MODELS = {**configs.BUILD, **latents.BUILD, **sequences.BUILD, **flows.BUILD, **energies.BUILD, **GAMES, **OTHERS}
KINDS = {
    type(build()).__name__: build for build in reversed(MODELS.values()) if not getattr(type(build()), "is_view", False)
}  # one of each class
NO_NUMBERS = (math.nan, math.inf, -math.inf, np.float64("nan"), True, "x", [], (0,), -1, -5, 1.5, 0, np.int64(2), torch.tensor(3))
NO_SIZES = (3, "x", ("a",), (0,), (-1,), (1.5,), (math.nan,), None, (True,))


def arguments(name):
    """The class of a model, and its constructor's arguments."""
    made = KINDS[name]()
    return type(made), configuration(made)


@pytest.mark.parametrize("name", KINDS)
def test_an_odd_argument_is_taken_as_a_number_or_refused_by_a_value_error(name):
    kind, given = arguments(name)
    for key, value in given.items():
        odd = NO_SIZES if isinstance(value, (list, tuple)) or key in ("order", "decoder_widths") else NO_NUMBERS
        for wrong in odd if not isinstance(value, (bool, torch.nn.Module)) else ():
            try:
                made = kind(**{**given, key: wrong})
            except ValueError:
                continue
            except Exception as error:
                raise AssertionError(f"{key} = {wrong!r}: {type(error).__name__}: {error}") from error
            kept = getattr(made, key)
            assert not isinstance(wrong, float) or math.isfinite(wrong), f"{key} = {wrong!r} was taken"
            assert not (isinstance(value, (int, float)) and isinstance(wrong, (bool, str, list, tuple))), f"{key} = {wrong!r}"
            assert not isinstance(kept, (np.generic, torch.Tensor)), f"{key} is kept as {type(kept).__name__}"


METHODS = ("log_prob", "loss", "elbo", "check", "conditionals", "estimate", "em_step", "encode", "code", "reconstruct", "infer",
           "viterbi", "posterior", "filter", "features", "logits")  # fmt: skip


def methods(model):
    """The methods that take one batch and nothing else."""
    for name in METHODS:
        method = getattr(model, name, None)
        if callable(method):
            needed = [p for p in inspect.signature(method).parameters.values() if p.default is p.empty and p.kind < p.VAR_KEYWORD]
            if len([p for p in needed if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]) == 1:
                yield name, method


def shape_of(model):
    return model.event_shape if hasattr(model, "event_shape") else model.event_shapes[0]


def odd_data(shape):
    zeros = torch.zeros(2, *shape)
    return {
        **{f"all {value}": torch.full((2, *shape), value) for value in (math.nan, math.inf, -math.inf, -1.0, 255.0)},
        **{str(dtype): zeros.to(dtype) for dtype in (torch.uint8, torch.int8, torch.int32, torch.int64, torch.bool)},
        **{str(dtype): zeros.to(dtype) for dtype in (torch.float16, torch.bfloat16, torch.float64, torch.complex64)},
        "foreign symbols": torch.full((2, *shape), 99),
        "negative symbols": torch.full((2, *shape), -3),
        "no example": zeros[:0],
        "one example": zeros[:1],
        "an array": zeros.numpy(),
        "a list": zeros.tolist(),
        "a number": torch.tensor(1.0),
        "nothing": None,
        "no values": zeros.to("meta"),
        "not contiguous": torch.zeros(*shape, 2).movedim(-1, 0),
    }


@pytest.mark.parametrize("name", KINDS)
def test_odd_data_give_a_number_or_a_value_error(name):
    runtime.seed(0)
    model = KINDS[name]().eval()
    for what, x in odd_data(shape_of(model)).items():
        for method, call in methods(model):
            try:
                found = call(x)
            except ValueError:
                continue
            except Exception as error:
                raise AssertionError(f"{method} of {what}: {type(error).__name__}: {error}") from error
            if isinstance(found, torch.Tensor) and found.is_floating_point() and method != "check":
                assert not found.isnan().any(), f"{method} of {what} is NaN"


@pytest.mark.parametrize("name", [*configs.BUILD, *latents.BUILD])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_a_model_takes_numbers_of_every_floating_type(name, dtype):
    table = configs if name in configs.BUILD else latents
    model = table.build(name)
    x = (configs.examples(model, name, 3) if table is configs else latents.examples(model, 3)).half().float()  # exact in both
    call = model.log_prob if hasattr(model, "log_prob") else lambda x: model.elbo(x, generator=runtime.generator(0))
    torch.testing.assert_close(call(x.to(dtype)).float(), call(x).float(), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("wrong", [0, -1, 1.5, math.nan, True, "x", None])
@pytest.mark.parametrize("name", [name for name, build in KINDS.items() if hasattr(build(), "sample")])
def test_an_odd_number_of_samples_is_refused(name, wrong):
    with pytest.raises(ValueError, match="expected"):
        KINDS[name]().sample(wrong)
