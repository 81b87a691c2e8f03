"""Exact inference by enumeration, on numbers worked out by hand."""

import math

import pytest
import torch

from course_lib.models.probability.enumeration import all_states, conditional, conditional_mutual_information, joint_tensor
from course_lib.models.probability.tables import BayesianNetwork, IndependentTable


def sprinkler():
    """Rain (0.2) and sprinkler (0.1) wet the grass: surely with rain, 0.9 with the sprinkler alone, never with neither."""
    network = BayesianNetwork(event_shape=(3,), parents=[[], [], [0, 1]])
    return joint_tensor(network.set_table(0, 0.2).set_table(1, 0.1).set_table(2, [[0.0, 0.9], [1.0, 1.0]]))


def test_states_count_up():
    assert all_states(2).tolist() == [[0, 0], [0, 1], [1, 0], [1, 1]]
    assert len(all_states(10).unique(dim=0)) == 1024
    with pytest.raises(ValueError, match="at most 20"):
        all_states(21)


def test_bayes_by_hand_and_explaining_away():
    joint = sprinkler()
    wet = 0.2 + 0.8 * 0.1 * 0.9
    assert conditional(joint, [2])[1].item() == pytest.approx(wet)
    rain_if_wet = conditional(joint, [0], {2: 1})[1].item()
    assert rain_if_wet == pytest.approx(0.2 / wet)
    rain_if_wet_and_sprinkler = conditional(joint, [0], {2: 1, 1: 1})[1].item()
    assert rain_if_wet_and_sprinkler == pytest.approx(0.2 / (0.2 + 0.8 * 0.9))
    assert rain_if_wet_and_sprinkler < rain_if_wet


def test_axes_come_in_the_order_asked_for():
    joint = torch.rand((2,) * 4, generator=torch.Generator().manual_seed(0))
    joint = joint / joint.sum()
    assert torch.allclose(conditional(joint, [3, 0, 2]), joint.sum(1).permute(2, 0, 1))
    given = conditional(joint, [2, 1], {0: 1})
    assert torch.allclose(given, joint[1].sum(2).T / joint[1].sum())
    assert given.sum().item() == pytest.approx(1)


def test_conditional_mutual_information():
    joint = sprinkler()
    assert conditional_mutual_information(joint, [0], [1]).item() == pytest.approx(0, abs=1e-6)  # independent causes
    assert conditional_mutual_information(joint, [0], [1], [2]).item() > 0.05  # no longer, once the effect is seen
    copies = torch.zeros(2, 2)
    copies[0, 0] = copies[1, 1] = 0.5
    assert conditional_mutual_information(copies, [0], [1]).item() == pytest.approx(math.log(2))
    coins = joint_tensor(IndependentTable(event_shape=(4,)))
    assert conditional_mutual_information(coins, [0, 1], [3], [2]).item() == pytest.approx(0, abs=1e-6)


def test_a_chain_is_markov():
    chain = BayesianNetwork(event_shape=(3,), parents=[[], [0], [1]])
    joint = joint_tensor(chain.set_table(0, 0.3).set_table(1, [0.2, 0.9]).set_table(2, [0.6, 0.1]))
    assert conditional_mutual_information(joint, [0], [2], [1]).item() == pytest.approx(0, abs=1e-6)
    assert conditional_mutual_information(joint, [0], [2]).item() > 0.01


def test_what_cannot_be_asked():
    joint = sprinkler()
    with pytest.raises(ValueError, match="different variables"):
        conditional(joint, [0], {0: 1})
    with pytest.raises(ValueError, match="different variables"):
        conditional(joint, [5])
    with pytest.raises(ValueError, match="different variables"):
        conditional(joint, [0], {1: 2})
    dry_rain = torch.zeros(2, 2)
    dry_rain[0, 0] = dry_rain[1, 1] = 0.5
    joint = torch.stack([dry_rain, dry_rain]) / 2
    with pytest.raises(ValueError, match=r"p\(given\) is 0"):
        conditional(joint, [0], {1: 1, 2: 0})
