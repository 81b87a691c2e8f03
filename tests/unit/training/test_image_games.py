"""The studies of lesson 16: each remedy changes one thing, seeds change the seed alone, and the losses take turns as said."""

import pytest

from course_lib.training import recipes
from course_lib.training.recipes.image_games import BATCH, EPOCH, IMAGE_GAMES, REMEDY_STEPS, SEEDS, TABLE, remedy_name


def changed(description, plain, path=()):
    """The paths at which two descriptions differ."""
    if isinstance(description, dict) and isinstance(plain, dict):
        keys = {**description, **plain}
        return [found for key in keys for found in changed(description.get(key), plain.get(key), (*path, key))]
    return [] if description == plain else [path]


PLAIN = recipes.RECIPES[remedy_name("plain")].description("full")
EXPECTED = {
    "plain": set(),
    "slow": {("step", "rates", "discriminator")},
    "batch-norm-mixed": {("build", "keywords")},
    **{name: {("build", "keywords")} for name in TABLE if name not in ("plain", "slow", "batch-norm-mixed")},
}


@pytest.mark.parametrize("name", TABLE)
def test_a_remedy_changes_one_thing(name):
    recipe = recipes.RECIPES[remedy_name(name)]
    assert {path[:3] for path in changed(recipe.description("full"), PLAIN)} == EXPECTED[name]
    assert len(TABLE[name].model) + len(TABLE[name].rates) == {"plain": 0, "batch-norm-mixed": 2}.get(name, 1)


@pytest.mark.parametrize("name", TABLE)
def test_seeds_change_the_seed_alone(name):
    first = recipes.RECIPES[remedy_name(name)].description("full")
    for seed in SEEDS[1:]:
        assert changed(recipes.RECIPES[remedy_name(name, seed)].description("full"), first) == [("seed",)]


def test_all_runs_of_the_remedies_make_as_many_moves():
    for name in TABLE:
        recipe = recipes.RECIPES[remedy_name(name)]
        epochs, examples = recipe.in_budget("full")
        assert epochs * examples // recipe.batch_size == REMEDY_STEPS
        assert recipe.study == "gan-remedies"
        assert not recipe.weights


@pytest.mark.parametrize("name", [name for name in IMAGE_GAMES if name.startswith("gan-loss-")])
def test_an_epoch_of_a_loss_is_as_many_moves_of_the_generator(name):
    recipe = recipes.RECIPES[name]
    rounds = recipe.step.discriminator_steps
    assert recipe.in_budget("full")[1] == EPOCH * rounds * BATCH
    assert recipe.batch_size == rounds * BATCH
    assert recipe.film is not None
