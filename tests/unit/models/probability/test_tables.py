"""Table models: sums to one, counts by brute force, full table = chain rule, zeros, samples, and what may not go in."""

import itertools
import json
import math

import numpy as np
import pytest
import torch
from scipy import stats

from course_lib import runtime
from course_lib.metrics.likelihood import negative_log_likelihood
from course_lib.models.probability.enumeration import all_states, joint_tensor
from course_lib.models.probability.tables import BayesianNetwork, ChainRuleTable, FullTable, IndependentTable, MarkovTable
from course_lib.models.protocols import configuration
from course_lib.training import checkpoints

SHAPE = (1, 2, 3)
ORDER = [4, 0, 5, 2, 1, 3]
MODELS = {
    "independent": lambda: IndependentTable(event_shape=SHAPE),
    "markov": lambda: MarkovTable(event_shape=SHAPE, order=ORDER),
    "markov of 3": lambda: MarkovTable(event_shape=SHAPE, memory=3),
    "chain rule": lambda: ChainRuleTable(event_shape=SHAPE, order=ORDER),
    "network": lambda: BayesianNetwork(event_shape=SHAPE, parents=[[], [0, 2], [], [1], [0, 1, 3], []]),
    "full": lambda: FullTable(event_shape=SHAPE),
}
every_model = pytest.mark.parametrize("name", MODELS)


def data(n=300, seed=0):
    """Examples whose variables depend on each other, (n, 1, 2, 3)."""
    generator = runtime.generator(seed)
    weights = 3 * torch.rand(64, generator=generator) ** 4
    chosen = torch.multinomial(weights, n, replacement=True, generator=generator)
    return all_states(6)[chosen].reshape(n, *SHAPE)


@every_model
@pytest.mark.parametrize("smoothing", [0.0, 0.5, 1.0])
def test_all_states_sum_to_one(name, smoothing):
    model = MODELS[name]().estimate(data(), smoothing=smoothing)
    assert joint_tensor(model).sum().item() == pytest.approx(1, abs=1e-5)
    assert joint_tensor(MODELS[name]()).sum().item() == pytest.approx(1, abs=1e-5)  # and before any data


@every_model
def test_samples_follow_the_probabilities(name):
    model = MODELS[name]().estimate(data(), smoothing=1.0)
    drawn = model.sample(20_000, generator=runtime.generator(3))
    assert drawn.shape == (20_000, *SHAPE)
    index = (drawn.flatten(1) @ 2.0 ** torch.arange(5, -1, -1)).long()
    expected = 20_000 * joint_tensor(model).double().flatten()
    observed = torch.bincount(index, minlength=64)
    assert stats.chisquare(observed, expected * observed.sum() / expected.sum()).pvalue > 1e-3
    assert torch.equal(drawn, model.sample(20_000, generator=runtime.generator(3)))


def test_parameter_counts():
    for n in range(1, 11):
        assert IndependentTable(event_shape=(n,)).parameter_count == n
        assert MarkovTable(event_shape=(n,)).parameter_count == 2 * n - 1
        assert ChainRuleTable(event_shape=(n,)).parameter_count == FullTable(event_shape=(n,)).parameter_count == 2**n - 1
    assert MarkovTable(event_shape=(5,), memory=2).parameter_count == 1 + 2 + 4 + 4 + 4
    assert MarkovTable(event_shape=(5,), memory=9).parameter_count == 2**5 - 1


@pytest.mark.parametrize("smoothing", [0.0, 0.3, 1.0])
def test_the_chain_rule_is_the_full_table_in_every_order(smoothing):
    x = data(40, seed=1)[:, :, :, :2]  # (40, 1, 2, 2)
    full = joint_tensor(FullTable(event_shape=(1, 2, 2)).estimate(x, smoothing=smoothing))
    for order in itertools.permutations(range(4)):
        chain = ChainRuleTable(event_shape=(1, 2, 2), order=order).estimate(x, smoothing=smoothing)
        assert torch.allclose(joint_tensor(chain), full, atol=1e-6)


def test_counts_against_a_plain_loop():
    x, smoothing = data(), 0.7
    flat = x.flatten(1).tolist()
    network = MODELS["network"]().estimate(x, smoothing=smoothing)
    for d, parents in enumerate(network.parents):
        for given in itertools.product([0, 1], repeat=len(parents)):
            rows = [row for row in flat if all(row[p] == v for p, v in zip(parents, given, strict=True))]
            expected = (sum(row[d] for row in rows) + smoothing) / (len(rows) + 2 * smoothing)
            assert network.table(d)[given].item() == pytest.approx(expected, abs=1e-6)
    full = joint_tensor(FullTable(event_shape=SHAPE).estimate(x, smoothing=smoothing))
    for state in itertools.product([0, 1], repeat=6):
        expected = (sum(row == list(state) for row in flat) + smoothing) / (len(flat) + 64 * smoothing)
        assert full[state].item() == pytest.approx(expected, abs=1e-6)


@every_model
def test_log_prob_is_the_product_of_the_tables(name):
    model = MODELS[name]().estimate(data(), smoothing=1.0)
    for state in data(5, seed=8):
        if name == "full":
            index = int("".join(str(int(v)) for v in state.flatten()), 2)
            expected = math.log(model.probs[index].item())
        else:
            flat = state.flatten().long().tolist()
            ones = [model.table(d)[tuple(flat[p] for p in model.parents[d])].item() for d in range(6)]
            expected = sum(math.log(p if v else 1 - p) for p, v in zip(ones, flat, strict=True))
        assert model.log_prob(state[None]).item() == pytest.approx(expected, abs=1e-5)


@every_model
def test_counted_states_are_the_same_as_examples_one_by_one(name):
    x = data()
    index = (x.flatten(1) @ 2.0 ** torch.arange(5, -1, -1)).long()
    counts = torch.bincount(index, minlength=64)
    one_by_one = MODELS[name]().estimate(x, smoothing=0.5)
    counted = MODELS[name]().estimate(all_states(6).reshape(-1, *SHAPE), smoothing=0.5, counts=counts)
    assert torch.allclose(one_by_one.probs, counted.probs, atol=1e-7)


@pytest.mark.parametrize("name", ["chain rule", "full"])
def test_unseen_states_without_smoothing_have_log_prob_minus_infinity(name):
    seen = torch.zeros(3, *SHAPE)
    model = MODELS[name]().estimate(seen, smoothing=0.0)
    unseen = torch.ones(1, *SHAPE)
    assert model.log_prob(unseen).item() == -math.inf
    assert model.log_prob(seen[:1]).item() == pytest.approx(0, abs=1e-6)
    assert negative_log_likelihood(model, torch.cat([seen, unseen])).mean == math.inf
    assert math.isfinite(model.estimate(seen, smoothing=0.1).log_prob(unseen).item())


def test_a_row_that_was_never_seen_stays_at_one_half():
    model = MarkovTable(event_shape=(2,)).estimate(torch.zeros(5, 2), smoothing=0.0)
    assert model.table(1).tolist() == [0.0, 0.5]


@every_model
def test_no_model_fits_its_own_data_better_than_the_full_table(name):
    x = data()
    best = FullTable(event_shape=SHAPE).estimate(x, smoothing=0.0).log_prob(x).mean()
    model = MODELS[name]().estimate(x, smoothing=0.0)
    assert model.log_prob(x).mean() <= best + 1e-5
    assert model.loss(x).item() == pytest.approx(-model.log_prob(x).mean().item(), abs=1e-6)


@pytest.mark.parametrize("name", ["markov", "chain rule", "network"])
def test_conditionals_look_at_the_parents_and_at_nothing_else(name):
    model = MODELS[name]().estimate(data(), smoothing=1.0)
    x = data(50, seed=2)
    before = model.conditionals(x).probs.flatten(1)
    for j in range(6):
        moved = x.flatten(1).clone()
        moved[:, j] = 1 - moved[:, j]
        after = model.conditionals(moved.reshape(x.shape)).probs.flatten(1)
        for d in range(6):
            assert bool((after[:, d] != before[:, d]).any()) == (j in model.parents[d])


def test_completing_keeps_what_is_known_and_follows_the_conditional():
    model = ChainRuleTable(event_shape=(3,)).estimate(data().flatten(1)[:, :3], smoothing=1.0)
    x = torch.tensor([[1.0, 0.0, 0.0]]).repeat(20_000, 1)
    done = model.complete(x, torch.tensor([True, False, False]), generator=runtime.generator(0))
    assert (done[:, 0] == 1).all()
    given = joint_tensor(model)[1].flatten()
    observed = torch.bincount((done[:, 1] * 2 + done[:, 2]).long(), minlength=4)
    assert stats.chisquare(observed, (20_000 * given / given.sum()).double()).pvalue > 1e-3


@every_model
def test_a_checkpoint_brings_the_tables_back(name, tmp_path):
    model = MODELS[name]().estimate(data(), smoothing=1.0)
    twin = type(model)(**configuration(model))
    assert configuration(twin) == configuration(model)
    checkpoints.save("tables", model, {}, folder=tmp_path)
    loaded = checkpoints.load("tables", folder=tmp_path)
    assert torch.equal(loaded.log_prob(data()), model.log_prob(data()))


def test_tables_by_hand_and_an_order_found():
    network = BayesianNetwork(event_shape=(3,), parents=[[2], [0, 2], []])
    assert network.order.index(2) < network.order.index(0) < network.order.index(1)
    network.set_table(1, [[0.1, 0.2], [0.3, 0.4]]).set_table(2, 0.25)
    assert network.table(1)[1, 0].item() == pytest.approx(0.3)
    assert joint_tensor(network)[1, 1, 0].item() == pytest.approx(0.75 * 0.5 * 0.3)
    with pytest.raises(ValueError, match=r"shape \(3,\); expected probabilities .* of shape \(2,\)"):
        network.set_table(0, [0.1, 0.2, 0.3])
    with pytest.raises(ValueError, match="in \\[0, 1\\]"):
        network.set_table(2, 1.5)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: BayesianNetwork(event_shape=(2,), parents=[[1], [0]]), "circle"),
        (lambda: BayesianNetwork(event_shape=(2,), parents=[[]]), "one for each of the 2 variables"),
        (lambda: BayesianNetwork(event_shape=(2,), parents=[[], [2]]), "different others of 0 … 1"),
        (lambda: BayesianNetwork(event_shape=(2,), parents=[[], [0, 0]]), "different others"),
        (lambda: BayesianNetwork(event_shape=(2,), parents=[[], [0]], order=[1, 0]), "do not come before"),
        (lambda: BayesianNetwork(event_shape=(30,), parents=[[]] * 29 + [list(range(29))]), "at most 20"),
        (lambda: MarkovTable(event_shape=(3,), order=[0, 0, 1]), "order"),
        (lambda: MarkovTable(event_shape=(3,), memory=0), "memory"),
        (lambda: FullTable(event_shape=(1, 28, 28)), "assume something"),
        (lambda: ChainRuleTable(event_shape=(21,)), "assume something"),
    ],
)
def test_bad_construction_says_what_is_wrong(make, word):
    with pytest.raises(ValueError, match=word):
        make()


@every_model
@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda m: m.estimate(torch.full((2, *SHAPE), 0.5)), "neither 0 nor 1"),
        (lambda m: m.estimate(torch.zeros(2, 6)), "reshape"),
        (lambda m: m.estimate(torch.zeros(2, *SHAPE), smoothing=-1.0), "smoothing is -1.0"),
        (lambda m: m.estimate(torch.zeros(2, *SHAPE), smoothing=math.nan), "smoothing is nan"),
        (lambda m: m.estimate(torch.zeros(0, *SHAPE), smoothing=0.0), "nothing to count"),
        (lambda m: m.estimate(torch.zeros(2, *SHAPE), counts=torch.ones(3)), "counts has shape"),
        (lambda m: m.log_prob(torch.full((2, *SHAPE), 255.0)), "255"),
        (lambda m: m.sample(0), "at least 1"),
    ],
)
def test_bad_input_says_what_is_wrong(name, call, word):
    with pytest.raises(ValueError, match=word):
        call(MODELS[name]())


@every_model
@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16, torch.float16])
def test_every_float_type_of_data_and_of_parameters_gives_the_same_rows(name, dtype):
    """A table looks up its rows by whole numbers: halves would round them, and a matrix product wants one type."""
    x = data()
    exact = MODELS[name]().estimate(x, smoothing=1.0)
    torch.testing.assert_close(exact.log_prob(x.to(dtype)), exact.log_prob(x), check_dtype=False, rtol=0.01, atol=0.02)
    torch.testing.assert_close(MODELS[name]().estimate(x.to(dtype), smoothing=1.0).probs, exact.probs)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(exact.log_prob(x), exact.log_prob(x.double()), check_dtype=False)
        drawn = exact.sample(50, generator=runtime.generator(1))
    assert torch.equal(drawn, exact.sample(50, generator=runtime.generator(1)))
    model = MODELS[name]().to(dtype).estimate(x, smoothing=1.0)
    drawn = model.sample(50, generator=runtime.generator(1))
    assert drawn.dtype == dtype
    torch.testing.assert_close(model.log_prob(drawn).float(), exact.log_prob(drawn.float()), rtol=0.01, atol=0.1)


def test_a_large_table_under_autocast_finds_the_row_it_counted():
    x = torch.ones(2, 12)
    x[1, -1] = 0  # the states 4095 and 4094: one number in bfloat16
    with torch.autocast("cpu", torch.bfloat16):
        model = FullTable(event_shape=(12,)).estimate(x[:1])
        assert model.log_prob(x).tolist() == [0, -math.inf]
        chain = ChainRuleTable(event_shape=(12,)).estimate(x[:1])
        assert chain.log_prob(x).tolist() == [0, -math.inf]
        kept = chain.complete(x[:1], torch.arange(12) < 11, generator=runtime.generator(0))
    assert torch.equal(kept, x[:1])


@pytest.mark.parametrize("name", ["independent", "markov", "chain rule", "network"])
@pytest.mark.parametrize("value", [0.5, 255.0])
def test_complete_refuses_what_is_not_binary(name, value):
    with pytest.raises(ValueError, match="neither 0 nor 1"):
        MODELS[name]().complete(torch.full((2, *SHAPE), value), torch.ones(SHAPE, dtype=torch.bool))


def test_the_integers_of_numpy_and_torch_are_taken_and_kept_as_python_ones():
    model = BayesianNetwork(event_shape=np.array([3]), parents=[[], torch.tensor([0]), np.array([0, 1])])
    assert json.loads(json.dumps(configuration(model)))["parents"] == [[], [0], [0, 1]]
    assert FullTable(event_shape=torch.Size([2])).estimate(torch.ones(1, 2)).sample(np.int64(3)).shape == (3, 2)
    assert MarkovTable(event_shape=(3,), memory=np.int32(2)).memory == 2
    with pytest.raises(ValueError, match=r"parent of variable 1 is 0\.5"):
        BayesianNetwork(event_shape=(2,), parents=[[], [0.5]])


@every_model
def test_estimate_refuses_counts_that_are_not_finite(name):
    for bad in (math.nan, math.inf, -1.0):
        with pytest.raises(ValueError, match="finite number of at least 0"):
            MODELS[name]().estimate(data(2), counts=torch.tensor([1.0, bad]))


@every_model
def test_estimate_moves_the_data_to_the_models_device(name, device):
    counts = torch.ones(300)
    model = MODELS[name]().to(device).estimate(data(), smoothing=1.0, counts=counts)
    torch.testing.assert_close(model.probs.cpu(), MODELS[name]().estimate(data(), smoothing=1.0).probs)
    assert model.probs.device.type == device
