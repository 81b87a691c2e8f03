"""Both metrics on codes made by hand, whose score is known; mutual information by counting, and against scikit-learn's."""

import itertools
import math
from functools import partial

import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import mutual_info_score

from course_lib import runtime
from course_lib.datasets import faces
from course_lib.metrics.disentanglement import (
    beta_vae_score,
    discretise,
    fixed_factor_examples,
    information_gaps,
    information_shares,
    linear_accuracy,
    mutual_information,
    mutual_information_gap,
)


def uniform(n, generator, *, factors=2):
    """Independent factors, uniform on [-1, 1]."""
    return 2 * torch.rand(n, factors, generator=generator, dtype=torch.double) - 1


def rotation(angle):
    return torch.tensor([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]], dtype=torch.double)


class TestMutualInformation:
    def test_by_counting(self):
        a = torch.tensor([[0, 1], [0, 0], [2, 1], [1, 1], [2, 0]])
        b = torch.tensor([[1], [1], [0], [1], [0]])
        found = mutual_information(a, b)
        for i in range(2):
            value = 0.0
            for p, q in itertools.product(range(3), range(2)):
                both = sum(1 for s, t in zip(a[:, i], b[:, 0], strict=True) if (s, t) == (p, q)) / 5
                alone = (a[:, i] == p).double().mean().item() * (b[:, 0] == q).double().mean().item()
                value += both * math.log(both / alone) if both else 0.0
            assert found[i, 0].item() == pytest.approx(value, abs=1e-12)

    def test_against_scikit_learn(self):
        g = runtime.generator(0)
        a, b = torch.randint(7, (500, 3), generator=g), torch.randint(4, (500, 2), generator=g)
        b[:, 0] = (a[:, 1] + torch.randint(2, (500,), generator=g)) // 2  # one pair that depends
        found = mutual_information(a, b)
        for i, j in itertools.product(range(3), range(2)):
            assert found[i, j].item() == pytest.approx(mutual_info_score(a[:, i].numpy(), b[:, j].numpy()), abs=1e-12)

    def test_of_all_states_of_independent_coins_and_their_parity(self):
        states = torch.tensor(list(itertools.product((0, 1), repeat=3)))
        parity = states.sum(1, keepdim=True) % 2
        torch.testing.assert_close(mutual_information(states, states), math.log(2) * torch.eye(3, dtype=torch.double))
        assert mutual_information(states, parity).abs().max() < 1e-12  # no coin alone tells the parity
        pair = states[:, :1] * 2 + states[:, 1:2]
        torch.testing.assert_close(mutual_information(pair, states)[0], math.log(2) * torch.tensor([1.0, 1, 0]).double())

    def test_independent_columns_give_about_the_bias_that_is_named(self):
        g = runtime.generator(1)
        a, b = torch.randint(20, (10_000, 30), generator=g), torch.randint(20, (10_000, 30), generator=g)
        assert mutual_information(a, b).mean().item() == pytest.approx(19 * 19 / 20_000, rel=0.05)

    def test_bad_input_is_told_the_fix(self):
        with pytest.raises(ValueError, match="discretise"):
            mutual_information(torch.rand(5, 2), torch.zeros(5, 1).long())
        with pytest.raises(ValueError, match="same N"):
            mutual_information(torch.zeros(5, 2).long(), torch.zeros(4, 2).long())


class TestDiscretise:
    def test_parts_of_equal_width(self):
        values = torch.tensor([[0.0, 5.0], [0.24, 5.0], [0.26, 5.0], [0.99, 5.0], [1.0, 5.0]])
        assert discretise(values, 4).tolist() == [[0, 0], [0, 0], [1, 0], [3, 0], [3, 0]]

    @pytest.mark.parametrize("values", [torch.zeros(3), torch.zeros(0, 2), torch.tensor([[1.0], [math.nan]])])
    def test_bad_values_are_refused(self, values):
        with pytest.raises(ValueError, match="expected"):
            discretise(values)


class TestGap:
    def test_a_perfect_code_has_all_of_it_whatever_the_order_the_sign_and_the_scale(self):
        g = runtime.generator(2)
        factors = torch.randint(5, (20_000, 3), generator=g).double()
        codes = torch.stack([-3 * factors[:, 2], factors[:, 0] + 7, torch.zeros(20_000).double(), 0.01 * factors[:, 1]], 1)
        assert mutual_information_gap(codes, factors) == pytest.approx(1, abs=0.002)  # less the bias

    def test_a_code_of_all_states_by_hand(self):
        factors = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)))
        codes = torch.stack([factors[:, 0], factors.sum(1)], 1)  # the second coordinate tells half a bit of each
        shares = information_shares(codes, factors, bins=3)
        torch.testing.assert_close(shares, torch.tensor([[1.0, 0.0], [0.5, 0.5]]).double())
        torch.testing.assert_close(information_gaps(shares), torch.tensor([0.5, 0.5]).double())
        assert mutual_information_gap(codes, factors, bins=3) == pytest.approx(0.5)

    def test_one_coordinate_with_two_factors_passes_it(self):
        factors = torch.tensor(list(itertools.product((0.0, 1.0), repeat=2)))
        codes = torch.stack([2 * factors[:, 0] + factors[:, 1], torch.zeros(4)], 1)
        assert mutual_information_gap(codes, factors, bins=4) == pytest.approx(1)

    def test_a_turned_code_has_none_though_its_coordinates_are_uncorrelated(self):
        factors = uniform(20_000, runtime.generator(3))
        codes = factors @ rotation(math.pi / 4)
        assert abs(torch.corrcoef(codes.T)[0, 1]) < 0.02
        assert mutual_information_gap(codes, factors) < 0.01
        straight, turned_a_little = (
            mutual_information_gap(factors, factors),
            mutual_information_gap(factors @ rotation(0.1), factors),
        )
        assert straight > 0.98
        assert 0.01 < turned_a_little < straight

    def test_a_doubled_and_a_constant_code_have_none(self):
        factors = uniform(5_000, runtime.generator(4))
        assert mutual_information_gap(torch.cat([factors, factors], 1), factors) == pytest.approx(0, abs=1e-12)
        assert mutual_information_gap(torch.ones(5_000, 3), factors) == 0

    def test_bad_input_is_told_the_fix(self):
        factors = uniform(50, runtime.generator(5))
        with pytest.raises(ValueError, match="factor 1 never changes"):
            information_shares(factors, factors * torch.tensor([1, 0]))
        with pytest.raises(ValueError, match=r"shares has shape .* at least 2"):
            information_gaps(torch.ones(1, 3))


class TestBetaVAEMetric:
    def test_pairs_agree_in_the_named_factor_alone(self):
        x, y = fixed_factor_examples(lambda v: v, uniform, n=300, pairs=4, generator=runtime.generator(6), chunk=100)
        assert x.shape == (300, 2)
        assert (x.argmin(1) == y).all()
        assert (x.min(1).values == 0).all()
        assert 0.4 < y.double().mean() < 0.6
        assert x.max(1).values.mean().item() == pytest.approx(2 / 3, abs=0.03)  # E |v - v'| of two uniform numbers

    def test_a_perfect_code_can_be_told_and_a_constant_one_is_at_chance(self):
        assert beta_vae_score(lambda v: v, uniform, generator=runtime.generator(7)) == 1
        chance = beta_vae_score(lambda v: torch.ones(len(v), 3), faces.sample_factors, generator=runtime.generator(8))
        assert chance == pytest.approx(1 / 6, abs=0.06)

    def test_it_passes_a_code_that_has_lost_a_factor(self):
        """All other coordinates differ: that tells the lost one was fixed."""
        factors = uniform(20_000, runtime.generator(13), factors=3)
        lost = torch.tensor([1.0, 1, 0]).double()
        assert beta_vae_score(lambda v: v * lost, partial(uniform, factors=3), generator=runtime.generator(14)) > 0.99
        assert information_gaps(information_shares(factors * lost, factors)).tolist()[2] < 0.01

    def test_turned_by_45_degrees_both_fixed_factors_look_alike(self):
        found = beta_vae_score(lambda v: v @ rotation(math.pi / 4), uniform, generator=runtime.generator(9))
        assert found == pytest.approx(0.5, abs=0.08)

    def test_it_passes_a_code_that_mixes_factors_where_the_gap_does_not(self):
        turn = rotation(math.pi / 8)
        found = beta_vae_score(lambda v: v @ turn, uniform, pairs=64, generator=runtime.generator(10))
        assert found > 0.98
        factors = uniform(20_000, runtime.generator(11))
        assert mutual_information_gap(factors @ turn, factors) < 0.3


class TestLinearAccuracy:
    def test_against_scikit_learn(self):
        g = runtime.generator(12)
        y = torch.randint(3, (400,), generator=g)
        x = torch.randn(400, 4, generator=g) + 1.2 * torch.nn.functional.one_hot(y, 4) * torch.tensor([1, 10, 0.1, 1])
        train, test = (x[:200], y[:200]), (x[200:], y[200:])
        scaled = (x - train[0].mean(0)) / train[0].std(0)
        oracle = LogisticRegression(C=25, max_iter=1000).fit(scaled[:200].numpy(), train[1].numpy())  # 1 / (2 N 1e-4)
        assert linear_accuracy(train, test) == pytest.approx(oracle.score(scaled[200:].numpy(), test[1].numpy()), abs=0.011)

    def test_what_never_changes_is_left_out(self):
        y = torch.arange(40) % 2
        x = torch.stack([torch.full((40,), 3.3), y.float()], 1)
        assert linear_accuracy((x, y), (x + torch.tensor([100.0, 0]), y)) == 1


def test_everything_is_measured_where_the_codes_lie(device):
    g = runtime.generator(0, device)
    on_device = partial(_uniform_on, device=device)
    assert beta_vae_score(lambda v: v, on_device, n_train=200, n_test=100, pairs=4, generator=g) > 0.95
    y = torch.arange(40, device=device) % 2
    assert linear_accuracy((y[:, None].float(), y), (y[:, None].float(), y)) == 1
    factors = _uniform_on(5_000, g, device=device)
    assert mutual_information_gap(factors, factors) > 0.98


def _uniform_on(n, generator, *, device):
    return 2 * torch.rand(n, 2, generator=generator, device=device) - 1
