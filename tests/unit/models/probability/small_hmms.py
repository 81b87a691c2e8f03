"""Small hidden Markov models and sequences for their tests."""

import torch

from course_lib import runtime
from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.models.probability.hidden_markov_gaussian import GaussianHMM
from course_lib.models.probability.markov_chain import pad

K, M = 3, 4


def categorical(seed: int = 0) -> CategoricalHMM:
    model = CategoricalHMM(states=K, symbols=M, length=6, seed=seed)
    g = runtime.generator(seed + 100)
    rows = [torch.rand(shape, generator=g, dtype=torch.double) for shape in ((K,), (K, K), (K, M))]
    initial, transition, emission = (r / r.sum(-1, keepdim=True) for r in rows)
    return model.set_probs(initial=initial, transition=transition, emission=emission)


def gaussian(dimensions: int = 1) -> GaussianHMM:
    chain = categorical()
    model = GaussianHMM(states=K, length=6, dimensions=dimensions)
    mean = torch.linspace(-2, 2, K)[:, None] + 0.3 * torch.arange(dimensions)
    return model.set_probs(
        initial=chain.initial, transition=chain.transition, mean=mean, scale=torch.full((K, dimensions), 0.7) + 0.1 * mean**2
    )


MODELS = {"categorical": categorical, "gaussian": gaussian, "gaussian 2-D": lambda: gaussian(2)}


def ragged(model, lengths=(8, 1, 5, 3)) -> tuple[list[torch.Tensor], torch.Tensor]:
    """Sequences of these lengths drawn from the model, and the same padded to one tensor."""
    x = model.sample(len(lengths), length=max(lengths), generator=runtime.generator(1))
    rows = [row[:length] for row, length in zip(x, lengths, strict=True)]
    return rows, pad(rows)
