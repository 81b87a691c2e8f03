"""The recipes of the models of Part I: a study of hidden Markov models that read a novel, by the number of hidden states."""

from __future__ import annotations

from functools import partial

from torch import nn

from course_lib.datasets import Data, text
from course_lib.models.probability.hidden_markov import CategoricalHMM
from course_lib.training import measures
from course_lib.training.recipes.form import Recipe
from course_lib.training.steps import EMStep

STUDY = "hmm-novel"
STATES, SEEDS = (2, 4, 8, 16), range(3)
PIECES, LENGTH = 1_000, 200
SHIPPED = (16, 0)  # states and seed of the one whose weights are kept; its seed was fixed before any was trained


def pieces(split: str) -> Data:
    """Pieces of the novel in plain letters."""
    return Data(text.plain_pieces(split, LENGTH), None, "novel", split)


def by_em(model: nn.Module, recipe: Recipe, total_steps: int) -> EMStep:
    """Expectation-maximisation, whose every step sees all training examples."""
    return EMStep(model, seed=recipe.seed)


def hmm_name(states: int, seed: int = 0) -> str:
    """The name of the checkpoint, which is also the row's in the study."""
    return f"hmm-{states}-novel" + (f"-seed-{seed}" if seed else "")


def _hmm(states: int, seed: int) -> Recipe:
    return Recipe(
        partial(CategoricalHMM, states=states, symbols=len(text.PLAIN), length=LENGTH, seed=seed),
        f"hidden Markov model of plain letters, {states} states, 300 steps of EM",
        (3, 50, 300),
        step=by_em,
        measure=measures.NatsPerSymbol(),
        examples=(40, PIECES, PIECES),
        data="novel",
        source=pieces,
        batch_size=PIECES,
        seed=seed,
        study=STUDY,
        weights=(states, seed) == SHIPPED,
    )


PROBABILITY: dict[str, Recipe] = {hmm_name(states, seed): _hmm(states, seed) for states in STATES for seed in SEEDS}
