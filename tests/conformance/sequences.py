"""The one table of sequence models, small: K = 3 symbols. Add a row, and the whole suite in test_sequences.py runs it."""

import torch

from course_lib import runtime
from course_lib.models.sequence import CausalTransformer, CharacterModel, NestedRNN, NGram

STATES, LENGTH = 3, 4

BUILD = {
    **{
        f"character-{cell}": lambda cell=cell: CharacterModel(symbols=STATES, length=LENGTH, cell=cell, hidden=6)
        for cell in ("rnn", "lstm", "gru")
    },
    "character-deep": lambda: CharacterModel(symbols=STATES, length=LENGTH, hidden=5, layers=2, embedding=4, dropout=0.5),
    "character-place": lambda: CharacterModel(symbols=STATES, length=LENGTH, hidden=6, embedding=4, period=3),
    "character-place-gru": lambda: CharacterModel(symbols=STATES, length=LENGTH, cell="gru", hidden=6, layers=2, period=2),
    "ngram": lambda: NGram(symbols=STATES, length=LENGTH, context=2).estimate(examples(9, 11)),
    "ngram-witten-bell": lambda: NGram(symbols=STATES, length=LENGTH, context=3, smoothing="witten-bell").estimate(
        examples(9, 11)
    ),
    "ngram-no-context": lambda: NGram(symbols=STATES, length=LENGTH, context=0).estimate(examples(1, 5)),
    "transformer": lambda: CausalTransformer(symbols=STATES, length=LENGTH, width=8, heads=2, layers=2, convolution=3),
    "transformer-plain": lambda: CausalTransformer(
        symbols=STATES, length=LENGTH, width=6, heads=1, layers=1, convolution=0, dropout=0.5
    ),
    "nested-separators": lambda: _nested(separators=(1,), longest=9),
    "nested-fixed": lambda: _nested(longest=2, dropout=0.5),
    "nested-both": lambda: _nested(separators=(0, 2), longest=2),
    "nested-ones": lambda: _nested(longest=1),
}


def _nested(**cut):
    return NestedRNN(symbols=STATES, length=LENGTH, upper=5, reader=4, lower=6, embedding=3, **cut)


def build(name, device="cpu", dtype=torch.float32):
    """The model of this name, its weights moved far from their start so that every dependency shows, in eval mode."""
    runtime.seed(0)
    model = BUILD[name]()
    generator = runtime.generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.7 * torch.randn(parameter.shape, generator=generator))
    return model.to(device=device, dtype=dtype).eval()


def examples(n, length=LENGTH, seed=2, device="cpu"):
    """n arbitrary sequences, (n, length)."""
    return torch.randint(STATES, (n, length), generator=runtime.generator(seed)).to(device)
