"""Batches: every example once per epoch, what they may hold, what is checked, resuming, and several processes."""

import math

import numpy as np
import pytest
import torch

from course_lib import runtime
from course_lib.datasets import Batches, Data, Unpaired, binarise, move
from course_lib.datasets import batches as module


def numbers(batches):
    """All that one epoch yields, as a list."""
    return torch.cat(list(batches)).flatten().tolist()


def test_binarise_draws_each_pixel_with_its_grey_value():
    grey = torch.tensor([0.0, 0.3, 1.0]).expand(20_000, 3)
    drawn = binarise(grey, generator=runtime.generator(0))
    assert drawn.unique().tolist() == [0, 1]
    assert drawn.mean(0).tolist() == [0, pytest.approx(0.3, abs=5 * math.sqrt(0.21 / 20_000)), 1]
    with pytest.raises(ValueError, match="divide by 255"):
        binarise(255 * grey)
    with pytest.raises(ValueError, match="has NaN"):
        binarise(grey * float("nan"))
    assert torch.equal(
        binarise(grey.half(), generator=runtime.generator(0)),
        binarise(grey.half().float(), generator=runtime.generator(0)).half(),
    )


def test_an_epoch_sees_every_example_once_and_the_next_in_another_order(device):
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


def a_data(labels=True, **options):
    x = torch.arange(10.0)[:, None] / 10
    return Data(x, torch.arange(10) if labels else None, "made up", "train", **options)


class TestWhatABatchHolds:
    def test_a_tuple_is_shuffled_as_one(self, device):
        x, y, z = torch.arange(23.0)[:, None], torch.arange(23), torch.arange(23.0).reshape(23, 1, 1)
        seen = list(Batches((x, y, z), 5, device=device))
        assert all(isinstance(batch, tuple) for batch in seen)
        assert {part.device.type for batch in seen for part in batch} == {device}
        first, second, third = (torch.cat([batch[i] for batch in seen]).flatten().tolist() for i in range(3))
        assert first == second == third != list(range(23))
        assert sorted(second) == list(range(23))

    def test_the_order_is_that_of_one_tensor(self):
        x = torch.arange(23.0)
        alone, paired = Batches(x, 5, seed=4), Batches((x, x), 5, seed=4)
        for _ in range(2):
            assert numbers(alone) == torch.cat([a for a, _ in paired]).tolist()

    def test_unpaired_sets_are_shuffled_each_by_itself_and_end_with_the_shorter(self):
        batches = Batches(Unpaired(torch.arange(23), torch.arange(12)), 5)
        assert len(batches) == 3
        seen = list(batches)
        assert [(len(a), len(b)) for a, b in seen] == [(5, 5), (5, 5), (2, 2)]
        first, second = (torch.cat([batch[i] for batch in seen]).tolist() for i in range(2))
        assert sorted(second) == list(range(12))
        assert len(set(first)) == 12
        assert max(first) > 11
        other = torch.cat([a for a, _ in batches]).tolist()
        assert set(first) != set(other)  # the longer one's examples take turns

    def test_data_yields_x_alone_unless_labels_are_asked_for(self):
        assert sorted(numbers(Batches(a_data(), 3))) == a_data().x.flatten().tolist()
        for x, y in Batches(a_data(), 3, labels=True):
            torch.testing.assert_close(x.flatten() * 10, y.float())
        for data in (a_data(labels=False), torch.zeros(3)):
            with pytest.raises(ValueError, match="labels=True and data are"):
                Batches(data, 3, labels=True)

    def test_only_the_first_tensor_is_binarised(self):
        x, y = torch.full((40, 6), 0.5), torch.linspace(0, 0.9, 40)
        for data in ((x, y), Data(x, y, "made up", "train", "resampled")):
            a, b = next(iter(Batches(data, 40, binarisation="resampled", labels=isinstance(data, Data))))
            assert set(a.unique().tolist()) == {0, 1}
            assert sorted(b.tolist()) == y.tolist()

    def test_move(self, device):
        x = torch.zeros(2)
        moved = move((x, [x, (x, None)]), device)
        assert isinstance(moved, tuple)
        assert isinstance(moved[1], list)
        assert {part.device.type for part in (moved[0], moved[1][0], moved[1][1][0])} == {device}
        assert moved[1][1][1] is None


class TestWhatIsRefused:
    def test_binarisations(self):
        with pytest.raises(ValueError, match="fixed draw is made once"):
            Batches(torch.rand(5, 2), 2, binarisation="fixed")
        with pytest.raises(ValueError, match="binarisation is 'x'"):
            Batches(torch.rand(5, 2), 2, binarisation="x")

    @pytest.mark.parametrize("size", [0, -1, 2.5, True, "3", None])
    def test_sizes(self, size):
        with pytest.raises(ValueError, match=r"batch_size is .*; expected an integer of at least 1"):
            Batches(torch.rand(5, 2), size)

    @pytest.mark.parametrize("size", [np.int64(2), np.uint8(2), torch.tensor(2)], ids=lambda size: type(size).__name__)
    def test_sizes_and_seeds_of_every_kind_are_taken(self, size):
        batches = Batches(torch.arange(5), size, seed=size)
        assert [len(batch) for batch in batches] == [2, 2, 1]
        assert type(batches.batch_size) is int
        assert batches.generator.initial_seed() == 2

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (torch.rand(0, 2), r"tensors of \[0\] examples"),
            ((torch.rand(3), torch.rand(4)), r"tensors of \[3, 4\] examples.*or Unpaired"),
            (Unpaired(torch.rand(3), torch.rand(0)), r"tensors of \[0\] examples"),
            ([[1.0, 2.0]], "torch.as_tensor"),
            (np.ones(3), "torch.as_tensor"),
            (torch.tensor(3.0), "torch.as_tensor"),
            (torch.tensor([1.0, float("nan")]), "data has NaN"),
            (torch.tensor([1.0, float("inf")]), "data has infinity"),
            (torch.tensor([float("-inf")]), "data has infinity"),
            ((torch.zeros(2), torch.tensor([1.0, float("nan")]).half()), r"data\[1\] has NaN"),
        ],
        ids=range(10),
    )
    def test_data(self, data, said):
        with pytest.raises(ValueError, match=said):
            Batches(data, 2)

    def test_grey_values_that_cannot_be_probabilities(self):
        for bad in (torch.tensor([0.0, 255.0]), torch.tensor([-0.1, 1.0])):
            with pytest.raises(ValueError, match="divide by 255"):
                Batches(bad, 2, binarisation="resampled")
            assert len(Batches(bad, 2)) == 1

    def test_data_are_looked_at_once_and_not_in_every_step(self, monkeypatch):
        looked = []
        monkeypatch.setattr(module, "_check_values", lambda *_, **__: looked.append(1))
        batches = Batches(torch.rand(20, 2), 2, binarisation="resampled")
        list(batches)
        assert len(looked) == 1


class TestResuming:
    def test_on_another_kind_of_device_it_continues_and_says_so(self, capsys):
        batches = Batches(torch.arange(23), 5)
        state = {"generator": {"device": "cuda", "state": torch.arange(16, dtype=torch.uint8)}}
        batches.load_state_dict(state)
        one = numbers(batches)
        batches.load_state_dict(state)
        assert numbers(batches) == one
        assert "began on cuda and continues on cpu" in capsys.readouterr().out

    def test_on_the_same_kind_it_is_as_if_never_stopped(self, device, capsys):
        one, other = (Batches(torch.arange(23), 5, seed=seed, device=device) for seed in (1, 2))
        list(one)
        other.load_state_dict(one.state_dict())
        assert numbers(one) == numbers(other)
        assert capsys.readouterr().out == ""

    @pytest.mark.parametrize(
        "state", [{}, None, {"generator": torch.zeros(16, dtype=torch.uint8)}, {"generator": {}}], ids=range(4)
    )
    def test_a_state_that_does_not_fit_is_refused(self, state):
        with pytest.raises(ValueError, match="the order of the batches does not fit"):
            Batches(torch.arange(23), 5).load_state_dict(state)


class TestSeveralProcesses:
    def test_together_they_see_what_one_sees(self):
        grey = torch.linspace(0, 1, 48).reshape(24, 2)
        data = (grey, torch.arange(24))
        one = Batches(data, 8, seed=5, binarisation="resampled")
        ranks = [Batches(data, 8, seed=5, binarisation="resampled", rank=rank, world=4) for rank in range(4)]
        for _ in range(2):
            whole, parts = list(one), [list(rank) for rank in ranks]
            assert [len(part) for part in parts] == [3] * 4 == [len(rank) for rank in ranks]
            for step, (x, y) in enumerate(whole):
                assert torch.equal(torch.cat([part[step][0] for part in parts]), x)
                assert torch.equal(torch.cat([part[step][1] for part in parts]), y)

    @pytest.mark.parametrize(("count", "sizes"), [(22, [4, 4, 3]), (23, [4, 4, 3]), (17, [4, 4]), (16, [4, 4])])
    def test_all_have_the_same_number_of_batches_of_the_same_sizes(self, count, sizes):
        seen = []
        for rank in range(2):
            batches = Batches(torch.arange(count), 8, seed=5, rank=rank, world=2)
            parts = list(batches)
            assert [len(part) for part in parts] == sizes
            assert len(batches) == len(sizes)
            seen += torch.cat(parts).tolist()
        assert len(set(seen)) == len(seen) == 2 * sum(sizes)

    def test_an_unequal_end_does_not_set_them_apart(self):
        ranks = [Batches(torch.full((23, 2), 0.5), 8, binarisation="resampled", rank=rank, world=2) for rank in range(2)]
        for _ in range(2):
            for rank in ranks:
                list(rank)
        states = [rank.state_dict()["generator"]["state"] for rank in ranks]
        assert torch.equal(*states)

    @pytest.mark.parametrize(
        "options",
        [{"rank": 2, "world": 2}, {"world": 3}, {"world": 8, "batch_size": 8}, {"rank": -1}, {"world": 0}],
        ids=range(5),
    )
    def test_what_cannot_be_shared_is_refused(self, options):
        with pytest.raises(ValueError, match="expected"):
            Batches(torch.arange(7), **{"batch_size": 4, **options})
