"""The scoreboard's parts: kinds by protocol, errors by the jackknife, rows that survive a failure, differences that are told."""

import json
import math
from dataclasses import replace
from functools import partial

import pytest
import torch

from course_lib import runtime
from course_lib.cli import main, score
from course_lib.cli.asked import Failed
from course_lib.cli.lessons import UnknownName
from course_lib.datasets import DataFileError
from course_lib.models.adversarial import GAN
from course_lib.models.autoregressive import MADE, NADE, OrderlessNADE
from course_lib.models.diffusion.flow_matching import VelocityFlow
from course_lib.models.energy.rbm import RBM
from course_lib.models.flows import Dequantised, RealNVP
from course_lib.models.latent import VAE, Autoencoder
from course_lib.nn.adversarial import ImageDiscriminator, ImageGenerator
from course_lib.nn.velocity import TimedUNet
from course_lib.training import checkpoints
from course_lib.training.recipes import RECIPES
from course_lib.training.scores import kinds, measuring, papers, pictures, table

DIGIT = (1, 28, 28)
TINY = measuring.Counts(40, 2, 20, 3, 10, 10, 4, 60, 200)


def gan():
    networks = {"generator": ImageGenerator(noise=4, event_shape=DIGIT), "discriminator": ImageDiscriminator(event_shape=DIGIT)}
    return GAN(**networks, event_shape=DIGIT, noise=4)


def flow():
    return VelocityFlow(network=TimedUNet(rows=11, widths=(8, 8), told=8), event_shape=DIGIT, classes=10, low=0.0, high=1.0)


MODELS = {
    "nade": (lambda: NADE(event_shape=DIGIT, hidden=4), "exact", "autoregressive"),
    "orderless": (lambda: OrderlessNADE(event_shape=DIGIT, hidden=(4,)), "exact", "autoregressive"),
    "vae": (lambda: VAE(event_shape=DIGIT, latent=2, hidden=(8,)), "bound", "latent"),
    "small machine": (lambda: RBM(event_shape=DIGIT, hidden=3), "exact", "energy"),
    "machine": (lambda: RBM(event_shape=DIGIT, hidden=40), "estimate", "energy"),
    "gan": (gan, "cannot", "adversarial"),
    "flow of velocity": (flow, "cannot", "diffusion"),
}


@pytest.mark.parametrize("name", MODELS)
def test_the_kind_and_the_family_are_told_by_the_class_alone(name):
    build, kind, family = MODELS[name]
    model = build()
    assert kinds.kind_of(model) == kind
    assert kinds.family_of(model) == family
    assert len(kinds.why_not(model)) > 10


@pytest.mark.parametrize("name", ["nade", "orderless", "vae", "small machine", "machine", "gan"])
def test_readings_carry_their_kind_and_the_main_one_is_that_of_the_model(name):
    model = MODELS[name][0]().eval().requires_grad_(False)
    found = measuring.likelihoods(model, kinds.real_digits("binary")[:50], TINY)
    assert [reading["kind"] for reading in found[:1]] == ([kinds.kind_of(model)] if found else [])
    assert bool(found) == (name != "gan")
    assert all(reading["standard_error"] > 0 and reading["n"] > 1 for reading in found)


def test_a_model_without_pictures_of_digits_draws_none():
    recipe = RECIPES["nade-mnist"]
    assert kinds.draws_of(recipe, NADE(event_shape=(6,), hidden=2)) == {}
    assert kinds.draws_of(recipe, Autoencoder(event_shape=DIGIT, latent=2, widths=(4, 4), decoder_widths=(4, 4))) == {}


def test_flows_of_velocity_draw_twice_and_small_machines_exactly():
    ways = kinds.draws_of(RECIPES["flow-mnist"], flow().eval())
    assert list(ways) == ["told the class, as trained", "one Euler step"]
    pictures_of = [draw(20, runtime.generator(0)) for draw in ways.values()]
    assert all(x.shape == (20, *DIGIT) for x in pictures_of)
    assert not torch.equal(*pictures_of)
    assert list(kinds.draws_of(RECIPES["rbm-20-mnist"], RBM(event_shape=DIGIT, hidden=3))) == ["exact"]


def test_grey_flows_have_a_bound():
    levels = {"counts": [10] * 256, "black": [1] * 784, "images": 10}
    model = Dequantised(flow=RealNVP(**levels)).eval()
    assert kinds.kind_of(model) == "bound"


def test_digits_are_packed_and_come_back():
    x = kinds.real_digits("grey")[:16]
    again = pictures.unpacked(pictures.packed(x))
    assert again.shape == x.shape
    assert (again - x).abs().max() <= 0.5 / 15 + 1e-6
    binary = kinds.real_digits("binary")[:16]
    assert torch.equal(pictures.unpacked(pictures.packed(binary)), binary)
    assert len(pictures.packed(binary)) < 3_000


def test_spread_takes_both_halves():
    assert measuring.spread(torch.arange(10), 4).tolist() == [0, 3, 6, 9]
    assert measuring.spread(torch.arange(3), 10).tolist() == [0, 1, 2]


def test_the_jackknife_of_a_mean_is_its_standard_error():
    x = torch.randn(50, 1, generator=runtime.generator(0), dtype=torch.double)
    value, error = measuring.jackknife(lambda some: some.mean(0), x, groups=50)
    assert value.item() == pytest.approx(x.mean().item())
    assert error.item() == pytest.approx(x.std().item() / math.sqrt(50))


def test_quality_of_real_digits_is_better_than_that_of_noise():
    good = measuring.quality(kinds.real_digits("binary", "validation")[:60], "binary", TINY)
    noise = (torch.rand(60, *DIGIT, generator=runtime.generator(0)) < 0.13).float()
    bad = measuring.quality(noise, "binary", TINY)
    assert good["fid"] < bad["fid"] / 5
    assert bad["coverage"] < 0.2 < 0.6 < good["coverage"]  # a real outlier has a wide ball: precision likes this noise
    assert set(good) == {name + end for name in measuring.COLUMNS for end in ("", "_error")}


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A data folder with two small models, "one" and "two", and rows that are measured in no time."""
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(checkpoints, "shipped_dir", lambda: tmp_path)
    recipe = replace(RECIPES["made-mnist"], build=partial(MADE, event_shape=DIGIT, hidden=(4,)))
    for module in (table, kinds):
        monkeypatch.setattr(module, "RECIPES", {"one": recipe, "two": recipe, "not here": recipe})
    for name in ("one", "two"):
        checkpoints.save(name, recipe.build(), {"seconds": 3}, folder=tmp_path)
    checkpoints.save("features-mnist", recipe.build(), {}, folder=tmp_path)
    monkeypatch.setattr(measuring, "rows_of_real_digits", lambda counts: {"real digits, grey": row(0.0)})
    return tmp_path


def row(nats=80.0, **more):
    reading = {"how": "log p", "kind": "exact", "nats": nats, "standard_error": 0.5, "n": 100}
    draw = {"how": "as trained", "pixels": "binary", "n": 60, "seconds": 1.0}
    draw |= dict.fromkeys(measuring.COLUMNS, 10.0) | {f"{name}_error": 0.1 for name in measuring.COLUMNS}
    return {"parameters": 7, "nats": [reading], "draws": [draw], "sha256": "x", **more}


def measured(monkeypatch, rows):
    def row_of(name, recipe, counts, device):
        if isinstance(rows[name], Exception):
            raise rows[name]
        return rows[name]

    monkeypatch.setattr(measuring, "row_of", row_of)


def test_the_table_grows_by_itself(shelf, monkeypatch):
    assert kinds.scored() == ["one", "two"]
    assert table.changed({}) == ["one", "two"]
    rows = {name: row(sha256=checkpoints.describe(name)["sha256"]) for name in ("one", "two")}
    assert table.changed(rows) == []
    assert table.changed(rows | {"two": row(sha256="another")}) == ["two"]
    assert table.changed(rows | {"two": {**rows["two"], "failed": "ValueError"}}) == ["two"]


def test_a_damaged_file_is_named_in_its_row_and_hides_no_other(shelf, monkeypatch):
    (shelf / "two.safetensors").write_bytes(b"damaged")
    assert kinds.scored() == ["one", "two"]
    quick = {"nats": [], "draws": [], "parameters": 1, "sha256": "x"}
    real = measuring.row_of
    monkeypatch.setattr(measuring, "row_of", lambda name, *given: real(name, *given) if name == "two" else quick)
    *_, rows = table.measure(["one", "two"], budget="smoke", real=False)
    assert "DataFileError" in rows["two"]["failed"]
    assert "failed" not in rows["one"]


def test_one_model_that_fails_loses_no_row(shelf, monkeypatch, capsys):
    path = shelf / "table.json"
    measured(monkeypatch, {"one": row(81.0), "two": ValueError("no sampler")})
    assert score.score(budget="smoke", out=path) == 1
    rows = table.read(path)["rows"]
    assert list(rows) == ["real digits, grey", "one", "two"]
    assert rows["two"]["failed"] == "ValueError: no sampler"
    assert "FAILED: ValueError: no sampler" in capsys.readouterr().out
    measured(monkeypatch, {"one": RuntimeError("broken"), "two": row(90.0)})
    assert score.score(["two", "one"], budget="smoke", out=path) == 1
    rows = table.read(path)["rows"]
    assert rows["one"]["nats"][0]["nats"] == 81.0  # the older numbers stay
    assert "broken" in rows["one"]["failed"]
    assert "failed" not in rows["two"]


def test_a_stop_keeps_what_was_measured(shelf, monkeypatch):
    path = shelf / "table.json"
    measured(monkeypatch, {"one": row(81.0), "two": KeyboardInterrupt()})

    def row_of(name, recipe, counts, device):
        if name == "two":
            raise KeyboardInterrupt
        return row(81.0)

    monkeypatch.setattr(measuring, "row_of", row_of)
    with pytest.raises(KeyboardInterrupt):
        score.score(budget="smoke", out=path)
    assert list(table.read(path)["rows"]) == ["real digits, grey", "one"]
    assert [file.name for file in shelf.glob("*.tmp")] == []


def test_a_check_tells_what_moved_by_more_than_three_standard_errors(shelf, monkeypatch, capsys):
    path = shelf / "table.json"
    with pytest.raises(Failed, match="no table"):
        score.score(budget="smoke", out=path, check=True)
    measured(monkeypatch, {"one": row(80.0), "two": row(80.0)})
    assert score.score(budget="smoke", out=path) == 0
    before = path.read_text()
    measured(monkeypatch, {"one": row(81.9), "two": row(82.3)})  # 2.7 and 3.3 errors of the difference
    assert score.score(budget="smoke", out=path, check=True) == 1
    said = capsys.readouterr().out
    assert "two: log p: 80.00 nats, now 82.30" in said
    assert "one: log p" not in said
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda r: r["draws"][0].update(fid=10.5), "fid"),
        (lambda r: r["draws"][0].update(recall=9.5), "recall"),
        (lambda r: r.update(parameters=8), "parameters: 7, now 8"),
        (lambda r: r["nats"][0].update(nats=77.0), "77.00"),
    ],
)
def test_each_number_is_compared(change, words):
    other = json.loads(json.dumps(row()))
    assert table.differences(row(), other) == []
    change(other)
    assert any(words in line for line in table.differences(row(), other))


def test_quality_is_compared_at_equal_numbers_of_samples_only():
    other = row()
    other["draws"][0] |= {"n": 61, "fid": 99.0}
    assert table.differences(row(), other) == []


def test_an_unknown_model_is_guessed(shelf):
    with pytest.raises(UnknownName, match="did you mean 'one'"):
        score.score(["onee"], budget="smoke", out=shelf / "table.json")


def test_published_numbers_belong_to_recipes_and_say_why_they_differ():
    assert set(papers.PUBLISHED) <= set(RECIPES)
    for said in papers.PUBLISHED.values():
        assert said.kind in ("exact", "bound", "estimate")
        assert said.source
        assert said.why


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"about": {}, "rows": {"one": ', "no JSON"),
        (b"\xff\xfe", "no JSON"),
        (b"", "no JSON"),
        (b"[1, 2]", 'no object with "about" and "rows"'),
        (b'{"rows": {}}', 'no object with "about" and "rows"'),
        (b'{"about": {}, "rows": {"one": 3}}', "'one' is a int"),
        (b'{"about": {}, "rows": {"one": {"parameters": 1, "sha256": "", "nats": [], "draws": 5}}}', "its list of draws"),
        (b'{"about": {}, "rows": {"one": {"parameters": 1, "sha256": "", "nats": [{"how": ""}]}}}', "nats of the row 'one' lack"),
        (b'{"about": {}, "rows": {"one": {"nats": [], "draws": []}}}', "its parameters or its sha256"),
    ],
)  # fmt: skip
def test_a_damaged_or_foreign_table_is_named_with_the_fix_and_never_replaced(content, said, tmp_path, capsys):
    path = tmp_path / "table.json"
    path.write_bytes(content)
    with pytest.raises(
        DataFileError, match="expected what course score writes; fix: name another file, or move this one away"
    ) as caught:
        table.read(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)
    assert main(["score", "--out", str(path)]) == 1
    assert capsys.readouterr().err.startswith(f"course: {path} is damaged")
    assert path.read_bytes() == content


def test_a_table_that_is_not_there_is_named_with_the_fix(tmp_path):
    with pytest.raises(ValueError, match=r"no scoreboard at .*none.json; fix: course score"):
        table.read(tmp_path / "none.json")


@pytest.mark.parametrize("place", ["", "a file/table.json"])
def test_a_place_that_cannot_be_written_is_refused_before_anything_is_measured(place, shelf, monkeypatch):
    (shelf / "a file").touch()
    monkeypatch.setattr(measuring, "row_of", lambda *_: pytest.fail("it was measured"))
    with pytest.raises(ValueError, match="cannot be written as a file; expected"):
        score.score(budget="smoke", out=shelf / place)


def test_a_stop_says_how_to_go_on(shelf, monkeypatch, capsys):
    def row_of(name, recipe, counts, device):
        if name == "two":
            raise KeyboardInterrupt
        return row(81.0)

    monkeypatch.setattr(measuring, "row_of", row_of)
    path = shelf / "my table.json"
    with pytest.raises(KeyboardInterrupt):
        score.score(budget="smoke", out=path)
    said = capsys.readouterr().out
    assert f"1 of 2 models measured and kept in {path}. To go on: course score --budget smoke --out '{path}' two" in said
