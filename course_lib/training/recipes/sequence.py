"""The recipes of sequence models: characters of the novel, and numerals translated.

The models of the novel are all measured on the windows of `datasets.text.novel_windows`, in nats per character.
"""

from __future__ import annotations

from functools import partial

import torch

from course_lib.datasets import Data, load, numerals, text
from course_lib.models.sequence import CausalTransformer, CharacterModel, Seq2Seq
from course_lib.training import measures
from course_lib.training.recipes.form import Recipe
from course_lib.training.recipes.gradient import Gradient

NOVEL_CHARACTERS = 75  # len(text.alphabet())
TRAINED_ON = 128  # characters per training window; every 32nd character begins one: an epoch sees each character four times


def novel(split: str) -> Data:
    """The novel in windows: short ones that overlap to train on, and those of `text.novel_windows` to measure on."""
    if split != "train":
        return Data(text.novel_windows(split), None, "novel", split)
    return Data(text.windows(load("novel", split).x, TRAINED_ON, TRAINED_ON // 4), None, "novel", split)


on_novel = partial(
    Recipe,
    data="text",
    source=novel,
    step=Gradient(lr=3e-3, clip=1.0),
    measure=measures.NatsPerSymbol(text.CONTEXT),
    examples=(256, 4_096, None),
    batch_size=32,
    precision="bfloat16",
    half=True,
)

WIDE = 256  # characters per window on which the transformer is trained: as long as the windows on which it is measured


def novel_wide(split: str) -> Data:
    """As `novel`, with longer windows to train on; every character comes twice per epoch."""
    return novel(split) if split != "train" else Data(text.windows(load("novel").x, WIDE, WIDE // 2), None, "novel", split)


def numerals_to(to: str, split: str) -> Data:
    """Rows (N, S + T): a numeral and its translation side by side."""
    return Data(torch.cat(numerals.pairs(numerals.numbers(split), to=to), 1), None, "numerals", split)


def translator(to: str, *, attention: bool) -> Recipe:
    """A recipe that translates numerals of one kind into those of the other."""
    source = "decimal" if to == "roman" else "roman"
    sizes = {
        "source_symbols": len(numerals.alphabet(source)) - 1,
        "target_symbols": len(numerals.alphabet(to)),
        "source_length": numerals.LONGEST[source],
        "target_length": numerals.LONGEST[to] + 1,
    }
    return Recipe(
        partial(Seq2Seq, **sizes, hidden=64, attention=attention),
        f"{source} to {to} numerals, GRUs of 64 units, {'with' if attention else 'without'} attention",
        (1, 15, 30),
        step=Gradient(lr=3e-3, clip=1.0),
        measure=measures.exact_translations,
        examples=(64, None, None),
        data="numerals",
        source=partial(numerals_to, to),
        split="train+validation",
        batch_size=64,
        precision="float32",
        half=True,
    )


SEQUENCE: dict[str, Recipe] = {
    "char-lstm-novel": on_novel(
        partial(CharacterModel, symbols=NOVEL_CHARACTERS, length=TRAINED_ON, hidden=448, embedding=128, dropout=0.4),
        "LSTM, 448 units, 1.08 million parameters, characters of the novel",
        (1, 1, 7),
    ),
    "to-roman-attention": translator("roman", attention=True),
    "to-roman-plain": translator("roman", attention=False),
    "to-decimal-attention": translator("decimal", attention=True),
    "to-decimal-plain": translator("decimal", attention=False),
    "char-transformer-novel": on_novel(
        partial(
            CausalTransformer, symbols=NOVEL_CHARACTERS, length=WIDE, width=168, heads=3, layers=3, convolution=4
        ),
        "causal transformer, 3 blocks of width 168, 1.05 million parameters, characters of the novel",
        (1, 1, 3),
        source=novel_wide,
        examples=(256, 1_024, None),
        batch_size=8,
    ),
}  # fmt: skip
