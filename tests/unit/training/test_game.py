"""Games as the step of a recipe: every setting reaches the step, and a film is kept, resumed and shipped with the training."""

from dataclasses import replace

import kinds
import pytest
import torch

from course_lib import runtime
from course_lib.cli import train as command
from course_lib.training import ExponentialAverage, Film, checkpoints, films, train
from course_lib.training.measures import FrechetDistance
from course_lib.training.optimisers import linear
from course_lib.training.recipes import RECIPES, Recipe
from course_lib.training.recipes.game import Game

RECIPE = Recipe(kinds.LineGAN, "a game", (3, 3, 3), source=kinds.line, examples=(64, 64, 64), batch_size=16, seed=5)
NOISE = torch.linspace(-1, 1, 4)[:, None]


def on_the_line(model, recipe, budget):
    return {"test_mean": round(model.generate(NOISE).mean().item(), 4)}


def draw(model):
    return model.generate(NOISE)


def shoot(step):
    return Film(step, draw, every=2)


def test_every_setting_reaches_the_step():
    game = Game(lr=0.1, rates={"discriminator": 0.4}, betas=(0.3, 0.8), discriminator_steps=3, schedule=linear)
    step = game(kinds.LineGAN(), replace(RECIPE, seed=7), 20)
    groups = {name: optimiser.param_groups[0] for name, optimiser in step.optimisers.items()}
    assert {name: group["initial_lr"] for name, group in groups.items()} == {"discriminator": 0.4, "generator": 0.1}
    assert {group["betas"] for group in groups.values()} == {(0.3, 0.8)}
    assert step.discriminator_steps == 3
    assert torch.equal(step.generator.get_state(), runtime.generator(7).get_state())
    for _ in range(10):
        step(torch.randn(12, 1))
    assert groups["discriminator"]["lr"] == pytest.approx(0.2), "half of the way down a straight line"
    assert groups["generator"]["lr"] == pytest.approx(0.05)


@pytest.mark.parametrize("rule", [None, ExponentialAverage(0.5)])
def test_the_generator_is_averaged_where_it_is_asked(rule):
    step = Game(averaging=rule)(kinds.LineGAN(), RECIPE, 10)
    for _ in range(3):
        step(torch.randn(8, 1))
    same = torch.equal(step.result().generator.weight, step.model.generator.weight)
    assert same == (rule is None)
    assert Game().averaging == ExponentialAverage(0.999)


def test_a_rate_for_nobody_is_refused():
    with pytest.raises(ValueError, match=r"rates are given for \['critic'\]; expected players among"):
        Game(rates={"critic": 1.0})(kinds.LineGAN(), RECIPE, 10)


@pytest.fixture
def filmed(monkeypatch):
    game = replace(RECIPE, step=Game(lr=0.05, discriminator_steps=2), measure=on_the_line, film=shoot)
    kinds.install(monkeypatch, {"filmed": game})
    return "filmed"


def stop_after_one(history):
    if len(history) == 1:
        raise KeyboardInterrupt


def test_a_film_lies_beside_the_model_and_a_stopped_training_films_on(filmed, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "whole"))
    train(filmed, budget="full", device="cpu")
    whole = films.read(checkpoints.own_dir() / "filmed.film")
    assert whole.steps == [0, 2, 4, 6, 8, 10, 12]
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "stopped"))
    train(filmed, budget="full", device="cpu", report=stop_after_one)
    assert not (checkpoints.own_dir() / "filmed.film").exists(), "nothing is kept before the last epoch"
    train(filmed, budget="full", device="cpu")
    again = films.read(checkpoints.own_dir() / "filmed.film")
    assert again.steps == whole.steps
    assert torch.equal(again.frames, whole.frames)
    assert again.scalars == whole.scalars


def test_a_film_is_shipped_and_listed_with_its_model(filmed, tmp_path, monkeypatch):
    train(filmed, budget="full", device="cpu")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "SHA256SUMS").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    assert command.ship_own(filmed) == ["checkpoints/filmed.safetensors", "checkpoints/filmed.json", "films/filmed.film"]
    assert films.read(films.path("filmed")).steps[-1] == 12
    assert "films/filmed.film" in (tmp_path / "data" / "SHA256SUMS").read_text()


def test_the_frechet_distance_of_a_recipe_names_its_judge_and_count():
    class Ink(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.level = torch.nn.Parameter(torch.tensor(0.5))

        def sample(self, n, *, generator=None):
            return (self.level * torch.rand(n, 1, 28, 28, generator=generator)).detach()

    found = FrechetDistance("features-mnist")(Ink(), RECIPES["dcgan-mnist"], "smoke")
    assert found["judge"] == "features-mnist"
    assert found["n"] == 500
    assert found["test_fid"] > 100  # noise is far from digits


def test_a_film_that_is_too_large_loses_no_model(filmed, monkeypatch, capsys):
    monkeypatch.setattr(films, "LARGEST", 10)
    train(filmed, budget="full", device="cpu")
    assert (checkpoints.own_dir() / "filmed.json").is_file()
    assert not (checkpoints.own_dir() / "filmed.film").exists()
    assert "the film of this training cannot be kept" in capsys.readouterr().out
