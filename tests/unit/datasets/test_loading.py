"""Every data set by name and split, and files of the IDX format."""

import gzip
import math

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Batches, binarise, load, names, series, text, toys
from course_lib.datasets.idx import read_idx


def idx(shape, values):
    return bytes([0, 0, 8, len(shape)]) + b"".join(n.to_bytes(4, "big") for n in shape) + bytes(values)


def test_idx_round_trip(tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx((2, 3), range(6))))
    (tmp_path / "a").write_bytes(idx((2, 3), range(6)))
    for name in ("a", "a.gz"):
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
    ],
    ids=range(8),
)
def test_a_damaged_idx_file_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_idx(tmp_path / name)


def test_mnist_sizes_labels_and_range():
    x, y = load("mnist", "train")
    assert x.shape == (60_000, 1, 28, 28)
    assert torch.bincount(y).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert (x.min(), x.max()) == (0, 1)
    assert x.mean().item() == pytest.approx(0.1307, abs=1e-4)
    x, y = load("mnist", "test")
    assert x.shape == (10_000, 1, 28, 28)
    assert torch.bincount(y).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    fixed = load("mnist", "test", binarisation="fixed")
    assert fixed.x.unique().tolist() == [0, 1]
    assert torch.equal(fixed.x, load("mnist", "test", binarisation="fixed", seed=0).x)
    assert not torch.equal(fixed.x, load("mnist", "test", binarisation="fixed", seed=1).x)
    assert fixed.x.mean().item() == pytest.approx(x.mean().item(), abs=1e-3)
    assert torch.equal(load("mnist", "test", binarisation="resampled").x, x)
    x, y = load("fashion")
    assert x.shape == (10_000, 1, 28, 28)
    assert torch.bincount(y).tolist() == [1000] * 10


def test_refusals_of_load():
    with pytest.raises(ValueError, match="did you mean 'mnist'"):
        load("mnst")
    with pytest.raises(ValueError, match=r"no split 'validation'.*train.*test"):
        load("mnist", "validation")
    with pytest.raises(ValueError, match="binarisation is 'static'"):
        load("mnist", binarisation="static")
    with pytest.raises(ValueError, match="not a set of grey images"):
        load("ring", binarisation="fixed")


@pytest.mark.parametrize("name", [name for name in names() if name not in ("mnist", "fashion", "novel", "numerals")])
def test_every_other_set_loads_the_same_each_time(name):
    data = load(name)
    assert data.x.is_floating_point()
    assert torch.isfinite(data.x).all()
    assert torch.equal(data.x, load(name).x)
    assert data.y is None or len(data.y) == len(data.x)


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


def test_toys_have_the_moments_they_should():
    draw = runtime.generator(0)
    ring = toys.ring(20_000, generator=draw)
    assert ring.mean(0).abs().max() < 0.05
    assert ring.norm(dim=1).mean().item() == pytest.approx(2, abs=0.02)
    grid = toys.grid(20_000, generator=draw)
    assert grid.var(0).tolist() == pytest.approx([2.0025, 2.0025], abs=0.06)
    assert len(grid.round().unique(dim=0)) == 25
    moons, which = toys.moons(20_000, scale=0.0, generator=draw)
    centres = torch.tensor([[-0.5, -0.25], [0.5, 0.25]])[which]
    torch.testing.assert_close((moons - centres).norm(dim=1), torch.ones(20_000))
    spiral, arm = toys.spiral(2_000, generator=draw)
    assert spiral.norm(dim=1).max() < 2.4
    assert set(arm.tolist()) == {0, 1}
    probs = torch.tensor([0.25, 0.75], dtype=torch.double)
    x, which = toys.mixture(
        20_000, probs=probs, mean=torch.tensor([[0.0, 0.0], [4.0, 0.0]]), scale=torch.tensor([1.0, 0.5]), generator=draw
    )
    assert x.mean(0).tolist() == pytest.approx([3, 0], abs=0.06)
    assert x[which == 1].std(0).tolist() == pytest.approx([0.5, 0.5], abs=0.02)
    with pytest.raises(ValueError, match="probs sum to"):
        toys.mixture(3, probs=torch.tensor([0.5, 0.6]), mean=torch.zeros(2, 1), scale=torch.ones(2))


def test_binarise_draws_each_pixel_with_its_grey_value():
    grey = torch.tensor([0.0, 0.3, 1.0]).expand(20_000, 3)
    drawn = binarise(grey, generator=runtime.generator(0))
    assert drawn.unique().tolist() == [0, 1]
    assert drawn.mean(0).tolist() == [0, pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 20_000)), 1]
    with pytest.raises(ValueError, match="divide by 255"):
        binarise(255 * grey)


def test_a_pass_sees_every_example_once_and_the_next_in_another_order(device):
    batches = Batches(torch.arange(23.0)[:, None], 5, seed=1, device=device)
    first, second = (list(batches) for _ in range(2))
    assert [len(b) for b in first] == [5, 5, 5, 5, 3]
    assert len(batches) == 5
    assert first[0].device.type == device
    for one in (first, second):
        assert sorted(torch.cat(one).flatten().tolist()) == list(range(23))
    assert not torch.equal(torch.cat(first), torch.cat(second))
    kept = torch.cat(list(Batches(torch.arange(23.0), 5, shuffle=False)))
    assert kept.tolist() == list(range(23))


def test_resampling_draws_anew_and_resumes_from_the_state():
    grey = torch.full((40, 6), 0.5)
    batches = Batches(grey, 8, seed=2, binarisation="resampled")
    first = torch.cat(list(batches))
    state = batches.state_dict()
    second = torch.cat(list(batches))
    assert not torch.equal(first, second)
    other = Batches(grey, 8, seed=99, binarisation="resampled")
    other.load_state_dict(state)
    assert torch.equal(torch.cat(list(other)), second)
    assert set(second.unique().tolist()) == {0, 1}


def test_batches_refuse_what_they_cannot_do():
    with pytest.raises(ValueError, match="fixed draw is made once"):
        Batches(torch.rand(5, 2), 2, binarisation="fixed")
    with pytest.raises(ValueError, match="binarisation is 'x'"):
        Batches(torch.rand(5, 2), 2, binarisation="x")
    for x, size in ((torch.rand(5, 2), 0), (torch.rand(0, 2), 2)):
        with pytest.raises(ValueError, match="at least 1 of each"):
            Batches(x, size)


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
