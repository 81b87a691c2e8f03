"""The study of lesson 10: two models of a like size, the same digits, one seed apart."""

from course_lib.training import recipes, studies
from course_lib.training.recipes import rows


def parameters(kind):
    return sum(parameter.numel() for parameter in recipes.RECIPES[rows.rows_name(kind, 6_000, 0)].build().parameters())


def test_the_flat_network_is_the_larger_one():
    assert (parameters("rows"), parameters("pixels")) == (58_098, 66_690)


def test_both_kinds_read_the_same_digits_and_the_seed_alone_differs():
    one, other = (recipes.RECIPES[rows.rows_name(kind, 6_000, 0)].description("full") for kind in ("rows", "pixels"))
    assert {key for key in one if one[key] != other[key]} == {"build", "step"}
    again = recipes.RECIPES[rows.rows_name("rows", 6_000, 3)].description("full")
    assert {key for key in one if one[key] != again[key]} == {"seed"}


def test_the_study_holds_five_seeds_of_each_kind():
    found = studies.read(rows.STUDY)
    for kind in rows.KINDS:
        nats = [found[rows.rows_name(kind, 6_000, seed)]["metrics"]["test_nats"] for seed in rows.SEEDS[6_000]]
        assert len(set(nats)) == 5
