"""The recipes of models of text. Those of the novel are measured alike: `datasets.text.novel_windows`, nats per character."""

from __future__ import annotations

from functools import partial

from course_lib.datasets import Data, load, text
from course_lib.models.sequence import CharacterModel
from course_lib.training.recipes.form import Recipe

NOVEL_CHARACTERS = 75  # len(text.alphabet())
TRAINED_ON = 128  # characters a window while training; every 32nd character begins one, so that a pass sees each four times


def novel(split: str) -> Data:
    """The novel in windows: to train on, short ones that overlap; to measure, those of `text.novel_windows`."""
    if split != "train":
        return Data(text.novel_windows(split), None, "novel", split)
    return Data(text.windows(load("novel", split).x, TRAINED_ON, TRAINED_ON // 4), None, "novel", split)


on_novel = partial(
    Recipe,
    data="text",
    source=novel,
    binarisation=None,
    examples=(256, 4_096, None),
    batch_size=32,
    clip=1.0,
    per_symbol=True,
    context=text.CONTEXT,
    half=True,
)

TEXT: dict[str, Recipe] = {
    "char-lstm-novel": on_novel(
        partial(CharacterModel, states=NOVEL_CHARACTERS, length=TRAINED_ON, hidden=448, embedding=128, dropout=0.4),
        "LSTM, 448 units, 1.08 million parameters, characters of the novel",
        (1, 1, 7),
        lr=3e-3,
        mixed_precision=True,
    ),
}
