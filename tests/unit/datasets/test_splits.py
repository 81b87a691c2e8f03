"""Train, validation and test of every data set: no example in two of them, together they are everything, always the same."""

import hashlib
from itertools import chain

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import close_ups, faces, images, load, manifest, names, numerals, splits, text, toys

PARTS = ("train", "validation", "test")


def fingerprint(x):
    return hashlib.sha256(x.contiguous().numpy().tobytes()).hexdigest()[:12]


def rows(x):
    """Each example as a hashable thing."""
    return [bytes(row) for row in x.reshape(len(x), -1).numpy()]


@pytest.mark.parametrize("name", names())
def test_every_set_has_train_validation_and_test(name):
    assert set(PARTS) <= set(splits(name))
    with pytest.raises(ValueError, match=rf"{name} has no split 'tset'; expected one of .*; did you mean 'test'\?"):
        load(name, "tset")


LOADERS = {
    "grey": lambda split: load("mnist", split),
    "drawn": lambda split: load("mnist", split, binarisation="fixed"),
    "patches": lambda split: load("mnist_patches", split),
}


@pytest.mark.parametrize("kind", LOADERS)
def test_mnists_training_file_is_divided_in_its_order(kind, monkeypatch):
    read = images.read_idx
    monkeypatch.setattr(images, "read_idx", lambda path: read(path)[:600])  # a shorter file, to be quick
    monkeypatch.setattr(images, "_unpacked", lambda path, *version: images.read_idx(path))
    monkeypatch.setitem(images._COUNTS, "mnist/train", 600)
    monkeypatch.setattr(images, "MNIST_TRAIN", 500)
    train, validation, both = (LOADERS[kind](split) for split in ("train", "validation", "train+validation"))
    assert (len(train), len(validation), len(both)) == (500, 100, 600)
    for whole, first, last in zip(both, train, validation, strict=True):  # images, then labels
        assert torch.equal(whole[:500], first)
        assert torch.equal(whole[500:], last)
    assert validation.x.untyped_storage().nbytes() == validation.x.numel() * 4  # it does not keep the other rows alive


def test_mnist_validates_on_10_000_digits_of_60_000():
    assert [len(load("mnist", split)) for split in splits("mnist")] == [50_000, 10_000, 10_000, 60_000]


def test_mnists_draws_are_those_that_shipped_models_were_trained_on():
    assert fingerprint(load("mnist", "train+validation", binarisation="fixed").x) == "4464a9d865d0"
    assert fingerprint(load("mnist_patches", "train+validation").x) == "3d449640fe39"
    assert fingerprint(load("mnist_patches", "test").x) == "e0e0f9cbb20b"


def test_no_digit_trains_and_tests():
    files = [manifest.verify(f"mnist/{part}-images-idx3-ubyte.xz") for part in ("train", "t10k")]
    train, test = (rows(images.read_idx(file)) for file in files)
    assert not set(train) & set(test)


def test_small_digits_are_the_digits_averaged_and_drawn():
    small = images.small_digits("test")
    assert small.shape == (10_000, 14 * 14)
    assert small.unique().tolist() == [0, 1]
    grey = load("mnist", "test").x.view(-1, 14, 2, 14, 2).mean((2, 4)).flatten(1)
    assert small.double().mean().item() == pytest.approx(grey.double().mean().item(), abs=1e-3)
    assert not small[grey == 0].any()
    assert torch.equal(small, images.small_digits("test"))


class TestFashion:
    def test_parts_hold_every_class_equally_and_are_disjoint(self):
        everything = load("fashion", "all")
        assert everything.x.shape == (10_000, 1, 28, 28)
        assert torch.bincount(everything.y).tolist() == [1000] * 10
        chosen = {split: images.fashion_rows(everything.y, split) for split in PARTS}
        assert sorted(torch.cat(list(chosen.values())).tolist()) == list(range(10_000))
        for split, each in zip(PARTS, (800, 100, 100), strict=True):
            part = load("fashion", split)
            assert torch.equal(part.x, everything.x[chosen[split]])
            assert torch.bincount(part.y).tolist() == [each] * 10
            assert (chosen[split].diff() > 0).all()
        assert torch.equal(load("fashion").x, load("fashion", "train").x)

    def test_the_shuffle_is_always_the_same(self):
        y = load("fashion", "all").y
        assert images.fashion_rows(y, "test")[:8].tolist() == [19, 24, 28, 42, 55, 63, 65, 66]
        drawn = load("fashion", "all", binarisation="fixed").x
        assert torch.equal(load("fashion", "test", binarisation="fixed").x, drawn[images.fashion_rows(y, "test")])


def test_numerals_keep_the_numbers_that_test():
    parts = {split: set(numerals.numbers(split).tolist()) for split in splits("numerals")}
    assert [len(parts[split]) for split in PARTS] == [2_799, 400, 800]
    assert parts["train"] | parts["validation"] == parts["train+validation"]
    assert parts["train+validation"] | parts["test"] == set(range(1, 4000))
    assert not parts["train"] & parts["validation"]
    assert not parts["train+validation"] & parts["test"]
    assert fingerprint(numerals.numbers("test")) == "a36817546eba"
    with pytest.raises(ValueError, match="numerals has no split 'all'"):
        numerals.numbers("all")


class TestSeries:
    def test_sunspots_are_divided_by_time(self):
        years = [load("sunspots", split).y.tolist() for split in PARTS]
        assert [(part[0], part[-1]) for part in years] == [(1700, 1899), (1900, 1959), (1960, 2008)]
        everything = load("sunspots")
        assert everything.split == "all"
        assert list(chain(*years)) == everything.y.tolist()
        assert torch.equal(torch.cat([load("sunspots", split).x for split in PARTS]), everything.x)

    def test_eruptions_are_divided_by_a_shuffle(self):
        parts = [load("old_faithful", split).x for split in PARTS]
        assert [len(part) for part in parts] == [200, 36, 36]
        everything = load("old_faithful")
        assert everything.split == "all"
        together = torch.cat(parts)
        assert sorted(together.tolist()) == sorted(everything.x.tolist())
        assert torch.equal(together, everything.x[torch.randperm(272, generator=runtime.generator(1))])


def test_the_novel_is_divided_where_it_was():
    parts = [load("novel", split).x for split in PARTS]
    assert text.decode(torch.cat(parts), text.alphabet()) == text.read_novel()


@pytest.mark.parametrize("name", ["ring", "grid", "moons", "spiral"])
def test_no_toy_point_is_in_two_splits(name):
    found = [rows(load(name, split).x) for split in PARTS]
    assert [len(part) for part in found] == [10_000, 2_000, 2_000]
    assert len(set(chain(*found))) == 14_000
    with pytest.raises(ValueError, match=f"{name} has no split"):
        toys.SPLITS[name]("all")


@pytest.mark.parametrize("maker", [faces, close_ups])
def test_no_face_is_in_two_splits(maker, monkeypatch):
    monkeypatch.setattr(maker, "draw", lambda factors, *_: factors)
    found = [rows(maker.split(split)[1]) for split in PARTS]
    assert [len(part) for part in found] == [8_000, 1_000, 1_000]
    assert len(set(chain(*found))) == 10_000
    with pytest.raises(ValueError, match="has no split 'all'"):
        maker.split("all")
