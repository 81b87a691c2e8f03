"""What enters an explorer from a GPU becomes a copy on the CPU; what is on the CPU stays the same object."""

from collections import namedtuple

import pytest
import torch
from torch import nn

from course_lib.explore.kit.entry import explorer, on_cpu

Pair = namedtuple("Pair", "x y")


class Elsewhere(torch.Tensor):
    """A tensor that says it lies on a GPU until it is copied to the CPU."""

    @property
    def device(self):
        return torch.device("cuda")

    def cpu(self):
        return self.as_subclass(torch.Tensor).clone()

    def __deepcopy__(self, memo):
        return self.cpu().as_subclass(Elsewhere)


def elsewhere(*values: float) -> torch.Tensor:
    return torch.tensor(values).as_subclass(Elsewhere)


class Model(nn.Module):
    """Doubles; its one buffer says it lies on a GPU until `cpu` replaces it."""

    def __init__(self):
        super().__init__()
        self.register_buffer("twice", elsewhere(2.0))

    def decode(self, z):
        return self.twice * z

    def cpu(self):
        self.twice = self.twice.cpu()
        return self


def test_tensors_in_every_kind_of_container_are_copied():
    given = {"a": elsewhere(1.0), "b": [elsewhere(2.0), (elsewhere(3.0), "word")], "c": Pair(elsewhere(4.0), None)}
    got = on_cpu(given)
    assert [got["a"].item(), got["b"][0].item(), got["b"][1][0].item(), got["c"].x.item()] == [1, 2, 3, 4]
    assert {tensor.device.type for tensor in (got["a"], got["b"][0], got["b"][1][0], got["c"].x)} == {"cpu"}
    assert got["b"][1][1] == "word"
    assert isinstance(got["c"], Pair)
    assert given["a"].device.type == "cuda"


def test_a_model_is_copied_and_the_original_stays_where_it_is():
    model = Model()
    copied = on_cpu(model)
    assert copied is not model
    assert (copied.twice.device.type, model.twice.device.type) == ("cpu", "cuda")
    decode = on_cpu(model.decode)
    assert decode.__self__.twice.device.type == "cpu"
    assert decode(torch.tensor(3.0)).item() == 6


def test_what_is_on_the_cpu_is_not_copied():
    model, x = nn.Linear(2, 2), torch.ones(2)
    assert on_cpu(model) is model
    assert on_cpu(x) is x
    assert on_cpu(len) is len
    assert on_cpu([x])[0] is x


@pytest.mark.parametrize("named", [False, True])
def test_the_decorator_copies_all_arguments_and_keeps_the_words(named):
    @explorer
    def build(x, *, more=None):
        """Words."""
        return x, more

    x, more = build(x=[elsewhere(1.0)], more=elsewhere(2.0)) if named else build([elsewhere(1.0)], more=elsewhere(2.0))
    assert (x[0].device.type, more.device.type) == ("cpu", "cpu")
    assert (build.__name__, build.__doc__) == ("build", "Words.")
