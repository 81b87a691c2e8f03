"""A GAN, an RBM, a mixture by EM and a VAE go through the same `train` and the same command, and resume as if never stopped."""

import pytest
import torch
from kinds import KINDS, install

from course_lib.cli import main
from course_lib.cli import train as command
from course_lib.training import checkpoints, train


@pytest.fixture(autouse=True)
def _installed(monkeypatch):
    install(monkeypatch)


def stop_after_one(history):
    if len(history) == 1:
        raise KeyboardInterrupt


def same(one, other):
    assert one.keys() == other.keys()
    assert all(torch.equal(one[key], other[key]) for key in one)


def kept():
    folder = checkpoints.own_dir()
    return sorted(path.name for path in folder.glob("[!.]*.*")), sorted(path.name for path in (folder / "unfinished").glob("*"))


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_trained_kept_and_resumed_as_if_never_stopped(name, tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "whole"))
    before = {key: value.clone() for key, value in KINDS[name].build().state_dict().items()}
    whole = train(name, budget="full", device="cpu").state_dict()
    assert any(not torch.equal(whole[key], before[key]) for key in whole)
    same(checkpoints.load(name, folder=checkpoints.own_dir()).state_dict(), whole)

    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "stopped"))
    train(name, budget="full", device="cpu", report=stop_after_one)
    assert not kept()[0], "nothing stands under the model's name before its last epoch"
    assert len(kept()[1]) == 1
    epochs = []
    resumed = train(name, budget="full", device="cpu", report=lambda history: epochs.append(len(history)))
    assert epochs == [2, 3]
    same(resumed.state_dict(), whole)
    assert kept() == ([f"{name}.json", f"{name}.safetensors"], [])


@pytest.mark.parametrize("name", KINDS)
def test_the_command_trains_every_kind_and_goes_on_where_it_stopped(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "whole"))
    asked = ["train", name, "--budget", "full", "--device", "cpu"]
    assert main(asked) == 0
    whole = checkpoints.load(name, folder=checkpoints.own_dir()).state_dict()

    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "stopped"))
    capsys.readouterr()
    with monkeypatch.context() as patch:
        patch.setattr(command, "progress", lambda history, epochs: stop_after_one(history) or "")
        assert main(asked) == 130, "the code of a command stopped by Ctrl-C"
    assert f"To go on: course train {name} --budget full" in capsys.readouterr().out
    assert main(asked) == 0
    said = capsys.readouterr().out
    assert "epoch    2/3" in said
    assert "epoch    1/3" not in said
    same(checkpoints.load(name, folder=checkpoints.own_dir()).state_dict(), whole)


def test_the_json_says_what_the_steps_of_each_kind_returned(tmp_path):
    for name, expected in (
        ("tiny-gan", {"train_discriminator_loss", "train_generator_loss"}),
        ("tiny-rbm", {"train_free_energy_gap"}),
        ("tiny-mixture", {"train_log_likelihood"}),
        ("tiny-vae", {"train_loss"}),
    ):
        train(name, budget="full", device="cpu")
        about = checkpoints.describe(name, checkpoints.own_dir())
        assert {key for key in about if key.startswith("train_")} == expected
        assert about["epochs"] == 3
    assert about["metrics"].keys() == {
        "test_elbo_nats", "standard_error", "n", "test_importance_nats", "importance_standard_error", "k"
    }  # fmt: skip
