"""What determines a run is written down: every setting, changed alone, is seen, and nothing else is."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from functools import partial

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.datasets import Data
from course_lib.models.autoregressive import NADE
from course_lib.training.fingerprint import checksum, described, differences, digest, initial_parameters
from course_lib.training.recipes import RECIPES, Gradient, Recipe
from course_lib.training.recipes.form import NOT_OF_THE_RUN


def ones(split):
    return Data(torch.ones(8, 3), None, "ones", split)


def other(split):
    return Data(torch.ones(8, 3), None, "ones", split)


def measure(model, recipe, budget):
    return {"test_nats": 1.0}


BASE = Recipe(partial(NADE, event_shape=(3,), hidden=4), "nothing", (1, 2, 3), source=ones, examples=(8, 8, 8), batch_size=4)
CHANGES = {
    "build": {"build": partial(NADE, event_shape=(3,), hidden=5)},
    "build, an argument more": {"build": partial(NADE, event_shape=(3,), hidden=4, order=[2, 1, 0])},
    "build, another function": {"build": lambda: NADE(event_shape=(3,), hidden=4)},
    "epochs": {"epochs": (1, 4, 3)},
    "examples": {"examples": (8, 4, 8)},
    "step": {"step": Gradient(lr=2e-3)},
    "step, optimiser": {"step": Gradient(optimiser="muon")},
    "step, clip": {"step": Gradient(clip=1.0)},
    "step, decay": {"step": Gradient(weight_decay=0.1)},
    "step, schedule": {"step": Gradient(schedule=None)},
    "data": {"data": "faces"},
    "source": {"source": other},
    "binarisation": {"binarisation": "resampled"},
    "labels": {"labels": True},
    "split": {"split": "train+validation"},
    "batch_size": {"batch_size": 8},
    "precision": {"precision": "bfloat16"},
    "seed": {"seed": 1},
    "start": {"start": "vae-mnist"},
    "finish": {"finish": nn.Module.eval},
}
SAME = {
    "about": "other words", "measure": measure, "measured": "validation", "half": True, "study": "of-nade", "weights": False,
    "film": len,
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_a_setting_changed_alone_is_seen_and_named(change):
    old, new = BASE.description("lesson"), replace(BASE, **CHANGES[change]).description("lesson")
    assert digest(old) != digest(new)
    said = differences(json.loads(json.dumps(old)), json.loads(json.dumps(new)))
    assert said
    assert all(line.startswith(change.split(",")[0]) for line in said)


@pytest.mark.parametrize("field", SAME)
def test_what_does_not_change_the_run_is_left_out(field):
    assert replace(BASE, **{field: SAME[field]}).description("lesson") == BASE.description("lesson")


def test_every_field_of_a_recipe_is_among_the_changes_or_the_others():
    assert {change.split(",")[0] for change in CHANGES} | set(SAME) == {field.name for field in fields(Recipe)}
    assert set(SAME) == set(NOT_OF_THE_RUN)


def test_another_budgets_epochs_do_not_count_but_the_budget_does():
    assert replace(BASE, epochs=(9, 2, 9)).description("lesson") == BASE.description("lesson")
    assert BASE.description("full") != BASE.description("lesson")


def test_a_difference_says_what_was_and_what_is():
    new = replace(BASE, batch_size=50, step=Gradient(lr=0.5))
    assert differences(BASE.description("full"), new.description("full")) == [
        "step.lr was 0.001, is 0.5",
        "batch_size was 4, is 50",
    ]


def test_a_description_is_the_same_in_another_process():
    program = """
        from course_lib.training.recipes import RECIPES
        from course_lib.training.fingerprint import digest
        print(digest({name: recipe.description("full") for name, recipe in RECIPES.items()}))
    """
    lines = "\n".join(line.strip() for line in program.splitlines())
    said = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True).stdout.strip()
    assert said == digest({name: recipe.description("full") for name, recipe in RECIPES.items()})


def test_a_set_of_words_in_a_lambda_is_described_alike_in_every_process():
    program = """
from course_lib.training.fingerprint import described
print(list({"bias", "scale", "weight", "shift"}))
print(described(lambda name: name in {"bias", "scale", "weight", "shift"})["code"])
"""
    said = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout.split("\n", 1)
        for seed in "12"
    ]
    (one_order, one_code), (other_order, other_code) = said
    assert one_order != other_order
    assert one_code == other_code


def test_all_recipes_have_descriptions_of_their_own():
    assert len({digest(recipe.description("full")) for recipe in RECIPES.values()}) == len(RECIPES)


class Rule:
    def __init__(self, power):
        self.power = power


@dataclass(frozen=True)
class Pair:
    first: int
    second: object = None


def around(value):
    return lambda: value


DIFFERENT = [
    1, 1.0, "1", True, None, [1], {"1": 1}, Rule(1), Rule(2), Pair(1), Pair(2), Pair(1, Rule(1)), Pair(1, Rule(2)), around(1),
    around(2), partial(around, 1), partial(around, 2), partial(around, value=1), around, Rule, Rule(1).__init__, torch.float32,
    torch.float64, torch.device("cpu"), torch.ones(2), torch.zeros(2), torch.ones(2, 1), torch.ones(2, dtype=torch.int32),
    lambda x: x + 1, lambda x: x + 2, lambda x: [x + 1 for _ in (1, 2)], lambda x: [x + 1 for _ in (1, 3)], nn.Linear(2, 1),
    nn.Linear(1, 2), {1, 2}, {1, 3},
]  # fmt: skip


def test_different_values_have_different_descriptions():
    assert len({digest(described(value)) for value in DIFFERENT}) == len(DIFFERENT)


def test_equal_values_have_equal_descriptions_and_no_addresses():
    for value in DIFFERENT:
        spelled = json.dumps(described(value), sort_keys=True)
        assert "0x" not in spelled
        assert spelled == json.dumps(described(value), sort_keys=True)
    assert described(Rule(3)) == described(Rule(3))
    assert described(around(3)) == described(around(3))
    assert described({3, 1, 2}) == described({2, 3, 1})


def test_a_checksum_sees_one_number_among_many():
    values = torch.rand(1_000, generator=runtime.generator(0))
    changed = values.clone()
    changed[-1] = torch.nextafter(changed[-1], torch.tensor(2.0))
    assert checksum(values) == checksum(values.clone())
    assert checksum(values) != checksum(changed)
    assert checksum(torch.tensor([True, False])) != checksum(torch.tensor([False, True]))


def test_other_starting_values_are_seen_and_rounding_is_not():
    def start(seed, scale=1.0):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            model = NADE(event_shape=(3,), hidden=4)
        with torch.no_grad():
            model.W.mul_(scale)
        return initial_parameters(model)

    assert differences(start(0), start(0, 1 + 1e-6)) == []
    assert [line.split(" was")[0] for line in differences(start(0), start(0, 1.01))] == ["values.W.mean_square"]
    assert len(differences(start(0), start(1))) >= 1
