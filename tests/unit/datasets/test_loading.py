"""Every data set by name and split, and files of the IDX format."""

import gzip
import lzma
import sys

import pytest
import torch

from course_lib.datasets import load, names, series, text
from course_lib.datasets.idx import read_idx


def idx(shape, values):
    return bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape) + bytes(values)


def test_idx_round_trip(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx((2, 3), range(6))))
    (tmp_path / "a.xz").write_bytes(lzma.compress(idx((2, 3), range(6))))
    (tmp_path / "a").write_bytes(idx((2, 3), range(6)))
    for name in ("a", "a.gz", "a.xz"):
        assert read_idx(tmp_path / name).tolist() == [[0, 1, 2], [3, 4, 5]]
        assert read_idx(tmp_path / name).dtype == torch.uint8


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a", idx((2, 3), range(5)), "cut short"),
        ("a", idx((2, 3), range(7)), "its header declares"),
        ("a", idx((2, 3), [])[:6], "cut short"),
        ("a", b"PK\3\4abcd", "magic number"),
        ("a", b"\0\0", "magic number"),
        ("a", b"", "magic number"),
        ("a.gz", gzip.compress(idx((2, 3), range(6)), mtime=0)[:-9], "cut short or damaged"),
        ("a.gz", b"no gzip at all", "cut short or damaged"),
        ("a.xz", lzma.compress(idx((2, 3), range(6)))[:-9], "cut short or damaged"),
        ("a.xz", b"no xz at all", "cut short or damaged"),
    ],
    ids=range(10),
)
def test_a_damaged_idx_file_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / name)


def test_a_python_without_lzma_is_told_what_to_install(tmp_path, monkeypatch):
    (tmp_path / "a.xz").write_bytes(lzma.compress(idx((1,), [7])))
    monkeypatch.setitem(sys.modules, "lzma", None)  # the import then fails
    with pytest.raises(ValueError, match="built without lzma; install xz"):
        read_idx(tmp_path / "a.xz")


def test_mnist_sizes_labels_and_range():
    x, y = load("mnist", "train+validation")
    assert x.shape == (60_000, 1, 28, 28)
    assert torch.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (x.min(), x.max()) == (0, 1)
    assert x.mean().item() == pytest.approx(0.1307, abs=1e-4)
    x, y = load("mnist", "test")
    assert x.shape == (10_000, 1, 28, 28)
    assert torch.bincount(y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    fixed = load("mnist", "test", binarisation="fixed")
    assert fixed.x.unique().tolist() == [0, 1]
    assert torch.equal(fixed.x, load("mnist", "test", binarisation="fixed", seed=torch.tensor(0)).x)
    assert not torch.equal(fixed.x, load("mnist", "test", binarisation="fixed", seed=1).x)
    assert fixed.x.mean().item() == pytest.approx(x.mean().item(), abs=1e-3)
    assert torch.equal(load("mnist", "test", binarisation="resampled").x, x)


def test_refusals_of_load():
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        load("mnst")
    with pytest.raises(ValueError, match="no data set is called 3"):
        load(3)
    with pytest.raises(ValueError, match=r"no split 'all'.*train.*test"):
        load("mnist", "all")
    with pytest.raises(ValueError, match="no split ''"):
        load("mnist", "")
    with pytest.raises(ValueError, match="binarisation is 'static'"):
        load("mnist", binarisation="static")
    with pytest.raises(ValueError, match="not a set of grey images"):
        load("ring", binarisation="fixed")


INTEGERS = ("novel", "numerals")


@pytest.mark.parametrize("name", [name for name in names() if name not in ("faces", "close_ups")])  # these have their own tests
def test_every_set_loads_the_same_each_time_on_the_device_asked_for(name, device):
    x, y = load(name, "test", device=device)
    assert x.device.type == device
    assert x.dtype == (torch.int64 if name in INTEGERS else torch.float32)
    assert torch.isfinite(x).all()
    assert torch.equal(x, load(name, "test", device=device).x)
    assert y is None or (len(y) == len(x) and y.device.type == device)


def test_known_values_of_the_series():
    x, _ = load("old_faithful")
    assert x[0].tolist() == pytest.approx([3.6, 79])
    assert x.mean(0).tolist() == pytest.approx([3.4878, 70.897], abs=1e-3)
    numbers, years = series.sunspots()
    assert years.tolist() == list(range(1700, 2009))
    assert numbers[0] == 5
    assert numbers[years == 1957].item() == pytest.approx(190.2)


def test_the_novel_in_three_parts():
    whole = text.read_novel()
    letters = text.alphabet()
    assert "It is a truth universally acknowledged" in whole
    parts = [load("novel", split).x for split in ("train", "validation", "test")]
    assert text.decode(torch.cat(parts), letters) == whole
    assert len(parts[0]) == round(0.8 * len(whole))
    with pytest.raises(ValueError, match="€"):
        text.encode("5 €", letters)


def test_windows_measure_every_character_once():
    x = torch.arange(23)
    cut = text.windows(x, 8, 5)
    assert cut.tolist() == [list(range(s, s + 8)) for s in (0, 5, 10, 15)]
    assert cut[:, 3:].flatten().tolist() == list(range(3, 23))  # the first 3 of each are given
    for bad in ((24, 5), (0, 5), (8, 0)):
        with pytest.raises(ValueError, match="expected 1"):
            text.windows(x, *bad)
    part, measured = load("novel", "test").x, text.novel_windows("test")[:, text.CONTEXT :]
    assert torch.equal(measured.flatten(), part[text.CONTEXT : text.CONTEXT + measured.numel()])
