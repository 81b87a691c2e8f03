"""The shipped table of the scoreboard: what must hold in every row, and one cheap model per family measured again."""

import math
from dataclasses import replace

import pytest

from course_lib.datasets import manifest
from course_lib.training import checkpoints
from course_lib.training.recipes import RECIPES
from course_lib.training.scores import kinds, measuring, table
from course_lib.training.scores.lines import lines

ROWS = table.read()["rows"]
MODELS = {name: row for name, row in ROWS.items() if not name.startswith(measuring.REAL)}


def cheapest(family):
    """The model of this family that draws fastest."""
    rows = {name: row for name, row in MODELS.items() if row["family"] == family}
    return min(rows, key=lambda name: rows[name]["draws"][0]["seconds"])


def test_every_shipped_model_of_digits_has_a_row_with_the_weights_that_are_here():
    manifest.verify("studies/scoreboard.json")
    assert list(MODELS) == kinds.scored()
    assert table.changed(ROWS) == []
    assert [name for name, row in ROWS.items() if "failed" in row] == []


def test_real_digits_are_the_first_rows():
    assert list(ROWS)[:2] == ["real digits, grey", "real digits, binary"]
    for name, row in MODELS.items():
        for draw in row["draws"]:
            floor = ROWS[f"real digits, {draw['pixels']}"]["draws"][0]
            assert draw["fid"] > floor["fid"] - 3 * math.hypot(draw["fid_error"], floor["fid_error"]), name
            assert draw["n"] == floor["n"]


@pytest.mark.parametrize("name", MODELS)
def test_a_row_says_which_kind_and_how_many(name):
    row, metrics = MODELS[name], checkpoints.describe(name)["metrics"]
    by_words = {reading["how"]: reading for reading in row["nats"]}
    assert row["kind"] == (row["nats"][0]["kind"] if row["nats"] else "cannot")
    assert row["pixels"] == kinds.pixels_of(RECIPES[name], checkpoints.load(name))
    if row["kind"] == "bound":
        tight = next(reading for how, reading in by_words.items() if how.startswith("importance"))
        assert tight["nats"] < by_words["ELBO"]["nats"]
    if "test_nats" in metrics and row["kind"] == "exact" and "by rows" not in by_words:
        error = math.hypot(row["nats"][0]["standard_error"], metrics["standard_error"])
        assert abs(row["nats"][0]["nats"] - metrics["test_nats"]) < 3 * error
    assert row["parameters"] == sum(value.numel() for value in checkpoints.load(name).parameters())


def test_grey_and_binary_stand_in_different_columns():
    for line in lines(ROWS, every=True):
        assert not {"fid_grey", "fid_binary"} <= set(line.values)
        assert ("nats" not in line.values) or line.pixels == "binary"
        assert ("bits" not in line.values) or line.pixels == "grey"


@pytest.mark.parametrize("family", sorted({row["family"] for row in MODELS.values()}))
def test_measured_again_a_cheap_model_says_the_same(family, monkeypatch):
    """Few digits, and as many samples as in the table only for the family whose quality is all that can be measured."""
    name = cheapest(family)
    about = table.read()["about"]["counts"]
    counts = replace(measuring.Counts(**about), digits=200, few=2, bounded=100, samples=20, steps=100, reversed=2)
    if family == "adversarial":
        counts = replace(counts, samples=about["samples"])
    monkeypatch.setattr(measuring, "seconds", lambda draw, device: 1.0)
    assert table.differences(ROWS[name], measuring.row_of(name, RECIPES[name], counts)) == []
