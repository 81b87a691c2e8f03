"""The explorers of sequence models, for the sweep over all controls."""

import torch
from small_models import seeded


def _gradient_reach():
    from course_lib.explore.sequence.recurrent import gradient_reach

    return gradient_reach(lags=12, hidden=4, sequences=2)


def _gate_watcher(cell: str):
    from course_lib.explore.sequence.recurrent import gate_watcher
    from course_lib.models.sequence import CharacterModel

    with seeded():
        model = CharacterModel(symbols=4, length=9, cell=cell, hidden=6).eval().requires_grad_(False)
    return gate_watcher(
        model, " abc", {"the first": [0, 1], "others": [5, 2, 3]}, text="ab ca b", examples=("abc " * 30,), wide=20
    )


def _attention_map():
    from course_lib.datasets import numerals
    from course_lib.explore.sequence.hierarchy import attention_map
    from course_lib.models.sequence import Seq2Seq

    models = {}
    with seeded():
        for source, to in (("decimal", "roman"), ("roman", "decimal")):
            models[to] = Seq2Seq(
                source_symbols=len(numerals.alphabet(source)) - 1, target_symbols=len(numerals.alphabet(to)),
                source_length=numerals.LONGEST[source], target_length=numerals.LONGEST[to] + 1, hidden=8, embedding=4,
            ).eval().requires_grad_(False)  # fmt: skip
    return attention_map(models)


def _change_the_plan():
    from course_lib.explore.sequence.hierarchy import change_the_plan
    from course_lib.models.sequence import NestedRNN

    with seeded():
        model = NestedRNN(symbols=2, length=16, longest=4, upper=6, reader=4, lower=6, embedding=3).eval().requires_grad_(False)
    digits = {name: torch.randint(2, (16,), generator=torch.Generator().manual_seed(k)) for k, name in enumerate("037")}
    return change_the_plan(model, digits, streams=9)


EXPLORERS = {
    "recurrent.gradient_reach": _gradient_reach,
    "recurrent.gate_watcher": lambda: _gate_watcher("lstm"),
    "recurrent.gate_watcher/a GRU": lambda: _gate_watcher("gru"),
    "hierarchy.attention_map": _attention_map,
    "hierarchy.change_the_plan": _change_the_plan,
}
