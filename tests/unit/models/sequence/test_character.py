"""The recurrent model that is told the place in the row: what it can say, and what stays as it was without it."""

import pytest
import torch

from course_lib import runtime
from course_lib.models.protocols import configuration
from course_lib.models.sequence import CharacterModel


def model(**told):
    runtime.seed(0)
    return CharacterModel(symbols=2, length=6, cell="gru", hidden=7, embedding=4, **told).double().requires_grad_(False)


def deaf(told):
    """The same model without memory and without the symbols: only the place can move its logits."""
    found = model(**told)
    found.embed.weight.zero_()
    found.recurrent.weight_hh_l0.zero_()
    found.recurrent.bias_ih_l0[7:14] = -50.0  # the update gate z: the state is replaced at each step
    return found


def test_a_model_told_the_column_can_depend_on_it_and_on_nothing_else_of_the_place():
    logits = deaf({"period": 3}).logits(torch.zeros(1, 6, dtype=torch.long))[0]
    torch.testing.assert_close(logits[:3], logits[3:])  # the second row is as the first
    assert (logits[:3].diff(dim=0).abs().amax(1) > 1e-3).all()
    alone = deaf({}).logits(torch.zeros(1, 6, dtype=torch.long))[0]
    torch.testing.assert_close(alone, alone[:1].expand(6, 2))


def test_step_by_step_and_in_pieces_as_all_at_once():
    told, x = model(period=4), torch.randint(2, (5, 11), generator=runtime.generator(0))
    whole = told.logits(x)
    before, state = told.shifted(x), told.initial_state(5)
    for first, last in ((0, 3), (3, 4), (4, 11)):  # pieces that begin within a row
        h, state = told.hidden_states(before[:, first:last], state)
        torch.testing.assert_close(told.readout(h), whole[:, first:last])
    assert state[1].tolist() == [11 % 4] * 5


def test_without_a_period_weights_and_state_are_those_of_before():
    plain, told = model(), model(period=14)
    assert set(told.state_dict()) - set(plain.state_dict()) == {"embed_place.weight"}
    for name, weight in plain.state_dict().items():  # a seed gives both the same first weights
        assert torch.equal(weight, told.state_dict()[name])
    assert plain.initial_state(3).shape == (1, 3, 7)
    old = {key: value for key, value in configuration(plain).items() if key != "period"}
    CharacterModel(**old).load_state_dict(plain.state_dict())
    assert CharacterModel(**configuration(told)).period == 14


@pytest.mark.parametrize("bad", [0, -1, 2.5, "14"])
def test_a_period_is_a_whole_number(bad):
    with pytest.raises(ValueError, match="period"):
        model(period=bad)
