"""A study keeps every run's numbers: written by shipping, read back after a check of its checksum."""

import json
import subprocess
import sys
import textwrap
from functools import partial

import pytest
import torch

from course_lib import runtime
from course_lib.cli import train
from course_lib.datasets import DataFileError, close_ups, manifest
from course_lib.models.autoregressive import NADE
from course_lib.training import checkpoints, measures, recipes, studies


@pytest.fixture
def empty_clone(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "SHA256SUMS").write_text("")
    monkeypatch.setenv("COURSE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    return tmp_path / "data"


def trained(monkeypatch, name, nats, **settings):
    """A recipe called `name`, and its checkpoint as if it had been trained."""
    build = partial(NADE, event_shape=(3,), hidden=2)
    monkeypatch.setitem(recipes.RECIPES, name, recipes.Recipe(build, "small", (1, 1, 1), study="of-nade", **settings))
    about = {"about": "small", "seed": 3, "binarisation": None, "metrics": {"test_nats": nats}}
    checkpoints.save(name, build(), about)


def test_shipping_keeps_the_numbers_and_only_the_weights_that_are_wanted(empty_clone, monkeypatch):
    trained(monkeypatch, "one", 1.0)
    trained(monkeypatch, "two", 2.0, weights=False)
    assert train.ship_own("one") == ["checkpoints/one.safetensors", "checkpoints/one.json", "studies/of-nade.json"]
    assert train.ship_own("two") == ["studies/of-nade.json"]
    assert checkpoints.names() == ["one"]
    rows = studies.read("of-nade")
    assert {name: row["metrics"]["test_nats"] for name, row in rows.items()} == {"one": 1.0, "two": 2.0}
    assert rows["two"]["seed"] == 3
    assert rows["two"]["configuration"]["hidden"] == 2
    assert "sha256" not in rows["two"]
    trained(monkeypatch, "two", 5.0, weights=False)
    train.ship_own("two")
    assert studies.read("of-nade")["two"]["metrics"] == {"test_nats": 5.0}
    assert len(manifest.checksums()) == 3


def test_a_study_that_is_missing_or_changed_is_named(empty_clone, monkeypatch):
    with pytest.raises(ValueError, match="no study 'of-nade'"):
        studies.read("of-nade")
    trained(monkeypatch, "one", 1.0)
    train.ship_own("one")
    path = studies.path("of-nade")
    path.write_text(json.dumps({**json.loads(path.read_text()), "more": {}}))
    with pytest.raises(DataFileError, match="damaged"):
        studies.read("of-nade")


def test_disentanglement_is_measured_where_the_causes_are_known():
    recipe = recipes.RECIPES["beta-vae-4-close-ups"]
    runtime.seed(0)
    model = recipe.build()
    assert not model.log_scale.requires_grad  # the scale is the same for every beta
    found = measures.measured(model.requires_grad_(False), recipe, "smoke")
    assert {
        "test_elbo_nats",
        "standard_error",
        "n",
        "mig",
        "beta_vae_score",
        "rmse",
        "gaps",
        "shares",
        "coordinates",
        "kl_nats",
    } <= set(found)
    assert len(found["gaps"]) == len(close_ups.FACTORS)
    assert len(found["kl_nats"]) == model.latent
    assert found["mig"] == pytest.approx(sum(found["gaps"]) / len(found["gaps"]), abs=1e-4)
    x = close_ups.draw(close_ups.sample_factors(measures.SMOKE_EXAMPLES, runtime.generator(0)), 32)
    q = model.encode(x)
    assert found["rmse"] == pytest.approx((model.decode(q.mean).mean - x).square().mean().sqrt().item(), abs=1e-4)
    torch.testing.assert_close(torch.tensor(found["kl_nats"]), q.kl_by_coordinate(model.prior()).mean(0), atol=1e-4, rtol=0)


def test_the_runs_of_the_beta_study_differ_in_beta_and_seed_alone_and_the_first_seeds_are_shipped():
    from course_lib.training.recipes import close_ups as study

    rows = studies.read(study.STUDY)
    assert set(rows) == {study.name(beta, seed) for beta in study.BETAS for seed in study.SEEDS}
    plain = []
    for beta in study.BETAS:
        for seed in study.SEEDS:
            recipe = recipes.RECIPES[study.name(beta, seed)]
            assert (recipe.build().objective.beta, recipe.seed, recipe.weights) == (beta, seed, seed == 0)
            plain.append({**recipe.description("full"), "seed": None, "build": None})
            assert rows[study.name(beta, seed)]["configuration"]["objective"]["configuration"]["beta"] == beta
        assert rows[study.name(beta)]["metrics"] == checkpoints.describe(study.name(beta))["metrics"]
    assert all(row == plain[0] for row in plain)


def test_two_processes_that_ship_at_the_same_time_lose_no_line(empty_clone):
    program = """
        import sys
        from course_lib import runtime
        from course_lib.training import studies
        for row in range(8):
            studies.record("of-nade", f"{sys.argv[1]}-{row}", {"configuration": {}, "seed": row})
            name = f"{sys.argv[1]}-{row}.txt"
            (runtime.data_dir() / name).write_text(name)
            studies.list_files([name])
    """
    command = [sys.executable, "-c", textwrap.dedent(program)]
    children = [subprocess.Popen([*command, name]) for name in ("one", "two", "three")]
    assert [child.wait() for child in children] == [0, 0, 0]
    assert len(studies.read("of-nade")) == 24
    assert len(manifest.checksums()) == 24 + 1


def test_the_orders_of_fvsbn_are_a_study_of_which_two_are_shipped():
    names = ["fvsbn-mnist", "fvsbn-mnist-columns", "fvsbn-mnist-random", "fvsbn-mnist-spiral"]
    rows = studies.read("fvsbn-orders")
    assert list(rows) == names
    shipped = [name for name in names if recipes.RECIPES[name].weights]
    assert len(shipped) == 2
    assert {recipes.RECIPES[name].study for name in names} == {"fvsbn-orders"}
    for name in shipped:
        assert rows[name]["metrics"] == checkpoints.describe(name)["metrics"]
    orders = [tuple(row["configuration"]["order"]) for row in rows.values()]
    assert len(set(orders)) == 4
    assert all(sorted(order) == list(range(784)) for order in orders)
