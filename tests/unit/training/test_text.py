"""The recipes of the novel: what they say about themselves is so, and all are measured on the same characters."""

import re

import pytest

from course_lib.datasets import text
from course_lib.models.sequence import CharacterModel
from course_lib.training import measures
from course_lib.training.recipes import RECIPES
from course_lib.training.recipes import sequence as recipes

ON_NOVEL = [name for name, recipe in RECIPES.items() if recipe.source is recipes.novel]


def test_the_alphabet():
    assert len(text.alphabet()) == recipes.NOVEL_CHARACTERS


@pytest.mark.parametrize("name", ON_NOVEL)
def test_the_windows_to_measure_are_the_novels(name):
    recipe = RECIPES[name]
    assert recipe.measure == measures.NatsPerSymbol(text.CONTEXT)
    assert recipe.measured_data().x.shape[1] == text.WINDOW
    part = text.novel("test")[0]
    x = recipe.measured_data().x[:, text.CONTEXT :]
    assert x.flatten().tolist() == part[text.CONTEXT : text.CONTEXT + x.numel()].tolist()  # each once


@pytest.mark.parametrize("name", ON_NOVEL)
def test_every_training_window_is_of_the_training_part(name):
    x = RECIPES[name].training_data("full").x
    part = text.novel("train")[0]
    assert x[-1].tolist() == part[len(x) * 32 - 32 :][: x.shape[1]].tolist()


@pytest.mark.parametrize("name", ON_NOVEL)
def test_the_number_of_parameters_is_as_said(name):
    said = float(re.search(r"([\d.]+) million parameters", RECIPES[name].about)[1])
    assert round(sum(p.numel() for p in RECIPES[name].build().parameters()) / 1e6, 2) == said


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cell": "transformer"}, "rnn, lstm, gru"),
        ({"hidden": 0}, "hidden"),
        ({"layers": 0}, "layers"),
        ({"embedding": 0}, "embedding"),
    ],
)
def test_a_character_model_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        CharacterModel(**{"symbols": 3, "length": 4, **arguments})
