"""Films: what is recorded and when, the file, and the limit of its size."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tiny import Quiet, TinyGAN, coins

from course_lib import runtime
from course_lib.training import AdversarialStep, ExponentialAverage, Film, GradientStep, films, fit

NOISE = torch.randn(6, 1, generator=runtime.generator(0))


def recorded(**settings):
    runtime.seed(0)
    step = AdversarialStep(TinyGAN(norm=True), lr=0.05, averaging=ExponentialAverage(0.5))
    film = Film(step, lambda model: model.generator(NOISE), **{"every": 3, **settings})
    frames, values = [step.result().generator(NOISE)], []
    for batch in torch.randn(10, 8, 1, generator=runtime.generator(1)):
        values.append(step(batch))
        film.after_step(values[-1])
        frames.append(step.result().generator(NOISE))
    return film, torch.stack(frames), values


def test_a_film_holds_the_samples_of_one_noise_and_the_means_in_between(tmp_path):
    film, frames, values = recorded()
    read = films.read(film.write(tmp_path / "film.safetensors"))
    assert read.steps == [0, 3, 6, 9]
    torch.testing.assert_close(read.frames, frames[[0, 3, 6, 9]], atol=2e-3, rtol=1e-3)
    losses = torch.tensor([float(row["generator_loss"]) for row in values])
    assert read.scalars["generator_loss"] == [None, *(pytest.approx(losses[i : i + 3].mean().item()) for i in (0, 3, 6))]
    assert set(read.scalars) == {"generator_loss", "discriminator_loss"}


def test_whole_numbers_keep_the_range_to_a_255th(tmp_path):
    film, frames, _ = recorded(span=(-1.0, 1.0), scalars=["generator_loss"])
    read = films.read(film.write(tmp_path / "film.safetensors"))
    torch.testing.assert_close(read.frames, frames[[0, 3, 6, 9]].clamp(-1, 1), atol=1 / 255, rtol=0)
    assert list(read.scalars) == ["generator_loss"]


def test_what_the_film_measures_is_of_the_model_that_it_shows():
    film, frames, _ = recorded(measure=lambda model: {"mean": model.generator(NOISE).mean()}, scalars=["generator_loss"])
    assert film.scalars["mean"] == [pytest.approx(frames[step].mean().item()) for step in (0, 3, 6, 9)]
    assert film.scalars["generator_loss"][0] is None


def test_fit_records_a_film_and_the_training_is_the_same():
    def run(film):
        runtime.seed(0)
        step = GradientStep(Quiet())
        film = Film(step, lambda model: model.net(coins(2)), every=4) if film else None
        return fit(step, coins(50).split(10), 2, [film] if film else []), film

    (plain, _), (filmed, film) = run(False), run(True)
    assert [row["loss"] for row in filmed] == [row["loss"] for row in plain]
    assert film.steps == [0, 4, 8]


def test_a_model_is_filmed_in_eval_mode_and_goes_on_as_it_was():
    step, modes = GradientStep(Quiet()), []
    step.model.train()
    Film(step, lambda model: modes.append((model.training, torch.is_grad_enabled())) or coins(2), every=1)
    assert modes == [(False, False)]
    assert step.model.training


def noisy_film(pixels):
    step, draw = GradientStep(Quiet()), runtime.generator(0)
    film = Film(step, lambda model: torch.rand(pixels, generator=draw), every=1, span=(0.0, 1.0))
    film.after_step({"loss": 1.0})
    return film


def test_a_number_that_the_step_does_not_return_is_refused_by_its_name():
    step = GradientStep(Quiet())
    film = Film(step, lambda model: torch.zeros(2, 2), every=2, scalars=["los"])
    with pytest.raises(ValueError, match=r"scalars name \['los'\].*expected some of \['loss'\]"):
        fit(step, coins().split(20), 1, [film])


def test_a_film_that_is_too_large_is_refused_with_its_size(tmp_path, capsys):
    path = tmp_path / "film.safetensors"
    noisy_film(140_000).write(path)  # noise cannot be compressed: about 280,000 bytes
    assert path.stat().st_size <= 300_000
    film = noisy_film(160_000)
    with pytest.raises(ValueError, match=r"the film has 32\d,\d\d\d bytes; expected at most 300,000: use fewer frames"):
        film.write(tmp_path / "large.safetensors")
    assert not (tmp_path / "large.safetensors").exists()
    for _ in range(2):
        film([])
    assert capsys.readouterr().out.count("too large to be kept") == 1


def test_frames_that_change_little_take_little_room(tmp_path):
    step = GradientStep(Quiet())
    film = Film(step, lambda model: torch.rand(16, 28, 28, generator=runtime.generator(0)), every=1, span=(0.0, 1.0))
    for _ in range(200):
        film.after_step({"loss": 1.0})
    path = film.write(tmp_path / "film.safetensors")
    assert path.stat().st_size < 40_000  # one frame has 12,544
    assert films.read(path).frames.shape == (201, 16, 28, 28)


def test_the_file_is_safetensors_and_json(tmp_path):
    path = recorded()[0].write(tmp_path / "film.safetensors")
    with safe_open(path, framework="pt") as file:
        about = json.loads(file.metadata()["film"])
    assert about["format"] == 1
    assert about["shape"] == [4, 6, 1]


@pytest.mark.parametrize("damage", ["cut", "no film", "garbled"])
def test_what_is_no_film_is_refused(damage, tmp_path):
    path = recorded()[0].write(tmp_path / "film.safetensors")
    with safe_open(path, framework="pt") as file:
        about, frames = json.loads(file.metadata()["film"]), file.get_tensor("frames")
    if damage == "cut":
        path.write_bytes(path.read_bytes()[:-5])
    elif damage == "no film":
        save_file({"frames": frames}, path)
    else:
        save_file({"frames": frames.flip(0).contiguous()}, path, metadata={"film": json.dumps(about)})
    with pytest.raises(ValueError, match="is no film, or damaged"):
        films.read(path)
