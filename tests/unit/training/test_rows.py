"""The study of lesson 10: three models of a like size, the same digits, one seed apart."""

import statistics

import pytest

from course_lib.training import recipes, studies
from course_lib.training.recipes import rows


def parameters(kind):
    return sum(parameter.numel() for parameter in recipes.RECIPES[rows.rows_name(kind, 6_000, 0)].build().parameters())


def test_the_nested_network_is_the_smallest_and_the_column_takes_16_numbers_each():
    sizes = [parameters(kind) for kind in ("rows", "pixels", "pixels-told-column")]
    assert sizes == [58_098, 66_690, 66_690 + 14 * 16]


@pytest.mark.parametrize("kind", ["pixels", "pixels-told-column"])
def test_all_kinds_read_the_same_digits_and_the_seed_alone_differs(kind):
    one, other = (recipes.RECIPES[rows.rows_name(each, 6_000, 0)].description("full") for each in ("rows", kind))
    assert {key for key in one if one[key] != other[key]} - {"step"} == {"build"}
    again = recipes.RECIPES[rows.rows_name("rows", 6_000, 3)].description("full")
    assert {key for key in one if one[key] != again[key]} == {"seed"}


def test_the_study_holds_five_seeds_of_each_kind():
    found = studies.read(rows.STUDY)
    for kind in rows.KINDS:
        nats = [found[rows.rows_name(kind, 6_000, seed)]["metrics"]["test_nats"] for seed in rows.SEEDS[6_000]]
        assert len(set(nats)) == 5


def test_told_the_column_the_flat_network_needs_fewer_nats_than_the_nested_one_in_the_mean():
    found = studies.read(rows.STUDY)
    kinds = ("pixels-told-column", "rows", "pixels")
    means = [
        statistics.mean(found[rows.rows_name(kind, 6_000, seed)]["metrics"]["test_nats"] for seed in range(5)) for kind in kinds
    ]
    assert means == sorted(means)  # what lesson 10 says
