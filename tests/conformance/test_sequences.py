"""What every sequence model must keep: probabilities that sum to 1, the order of time, one law for both ways of computing it."""

import inspect
import itertools
import json
import math

import numpy as np
import pytest
import scipy.stats
import torch
from sequences import BUILD, LENGTH, STATES, build, examples

from course_lib import runtime
from course_lib.models.autoregressive import AutoregressiveModel
from course_lib.models.probability.markov_chain import pad
from course_lib.models.protocols import configuration
from course_lib.models.sequence import SequenceModel

ALARM = 1e-6  # chance that a right sampler fails one test
NAMES = pytest.mark.parametrize("name", BUILD)


def all_sequences(length=LENGTH, device="cpu"):
    return torch.tensor(list(itertools.product(range(STATES), repeat=length)), device=device)


def differs_from(counts, expected):
    """p-value of Pearson's chi-squared, the rare cells as one."""
    often = expected >= 5
    counts, expected = (torch.cat([t[often], t[~often].sum()[None] + 1e-9]) for t in (counts.double(), expected))
    return scipy.stats.chisquare(counts.numpy(), expected.numpy(), sum_check=False).pvalue


@NAMES
def test_protocol(name, device, capsys):
    model = build(name, device)
    assert isinstance(model, SequenceModel)
    assert isinstance(model, AutoregressiveModel)
    assert model.event_shape == (LENGTH,)
    signature = inspect.signature(type(model).__init__).parameters.values()
    assert all(p.kind is p.KEYWORD_ONLY for p in signature if p.name != "self")
    x = model.sample(5, generator=runtime.generator(3, device))
    assert x.shape == (5, LENGTH)
    assert x.dtype == torch.long
    assert model.conditionals(x).batch_shape == x.shape
    log_prob = model.log_prob(x)
    assert log_prob.shape == (5,)
    torch.testing.assert_close(model.conditionals(x).log_prob(x).sum(1), log_prob)
    torch.testing.assert_close(model.log_prob(x[3:4]), log_prob[3:4])  # one row knows nothing of another
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""


@NAMES
@pytest.mark.parametrize("length", [1, LENGTH])
def test_probabilities_of_all_sequences_sum_to_1(name, length, device):
    model = build(name, device)
    total = model.log_prob(all_sequences(length, device)).double().exp().sum().item()
    assert total == pytest.approx(1, abs=1e-5)


@NAMES
def test_a_symbol_moves_the_conditionals_after_it_and_no_other(name, device):
    model = build(name, device, torch.float64)
    x = examples(24, device=device)
    before = model.conditionals(x).logits
    table = torch.zeros(LENGTH, LENGTH, dtype=torch.bool)
    for j in range(LENGTH):
        other = x.clone()
        other[:, j] = (other[:, j] + 1) % STATES
        table[j] = ((model.conditionals(other).logits - before).abs() > 1e-9).any(-1).any(0).cpu()
    assert not table.tril().any(), "a conditional saw itself or a symbol after it"
    reach = getattr(model, "context", LENGTH)  # how many symbols back it says it looks
    back = torch.arange(LENGTH) - torch.arange(LENGTH)[:, None]
    assert torch.equal(table, (back >= 1) & (back <= reach)), "a conditional does not see as far as it should"


@NAMES
def test_step_by_step_gives_what_the_parallel_way_gives(name, device):
    model = build(name, device, torch.float64)
    x = examples(7, length=9, device=device)
    symbol, state, stepwise = torch.full((7,), model.start_symbol, device=device), model.initial_state(7), []
    for t in range(9):
        logits, state = model.step(symbol, state)
        assert logits.shape == (7, STATES)
        stepwise.append(logits)
        symbol = x[:, t]
    torch.testing.assert_close(torch.stack(stepwise, 1).log_softmax(-1), model.logits(x).log_softmax(-1))


@NAMES
def test_samples_follow_the_probabilities(name, device):
    model, n = build(name, device), 20_000
    drawn = model.sample(n, generator=runtime.generator(6, device)).cpu()
    expected = n * model.log_prob(all_sequences(device=device)).detach().double().exp().cpu()
    weights = STATES ** torch.arange(LENGTH - 1, -1, -1)
    counts = torch.bincount((drawn * weights).sum(1), minlength=STATES**LENGTH)
    assert differs_from(counts, expected) > ALARM


@NAMES
def test_cold_and_narrow_samples_follow_the_changed_law(name, device):
    model, n = build(name, device), 20_000
    given = {"temperature": 0.6, "top_p": 0.8}
    drawn = model.sample(n, length=1, generator=runtime.generator(6, device), **given)[:, 0].cpu()
    probs = model.conditionals(torch.zeros(1, 1, dtype=torch.long, device=device)).probs[0, 0].detach().double().cpu()
    probs = probs ** (1 / 0.6) / (probs ** (1 / 0.6)).sum()
    kept = min(
        (set(s) for r in range(1, STATES + 1) for s in itertools.combinations(range(STATES), r) if probs[list(s)].sum() >= 0.8),
        key=lambda s: (len(s), -probs[list(s)].sum()),
    )
    inside = torch.tensor([k in kept for k in range(STATES)])
    probs = torch.where(inside, probs, 0 * probs)
    counts = torch.bincount(drawn, minlength=STATES)
    assert counts[~inside].sum() == 0
    assert differs_from(counts[inside], n * probs[inside] / probs.sum()) > ALARM


@NAMES
def test_sampling_depends_on_the_generator_alone(name, device):
    model = build(name, device)
    first = model.sample(20, length=7, generator=runtime.generator(4, device))
    assert first.shape == (20, 7)
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert torch.equal(first, model.sample(20, length=7, generator=runtime.generator(4, device)))
    assert torch.equal(before, torch.get_rng_state())
    assert not torch.equal(first, model.sample(20, length=7, generator=runtime.generator(5, device)))
    with pytest.raises(ValueError, match="n is 0"):
        model.sample(0)


@NAMES
def test_the_cached_sampler_gives_what_the_slow_one_gives(name, device):
    model = build(name, device)
    noise = model.noise(64, runtime.generator(8, device))
    start = torch.arange(64, device=device) % (LENGTH + 1)
    x = examples(64, device=device)
    with torch.no_grad():
        for given in ((), (x, start)):
            slow = x.clone() if given else torch.zeros_like(x)
            for t in range(LENGTH):
                drawn = model.conditionals(slow).from_noise(noise)[:, t]
                slow[:, t] = torch.where(t < start, slow[:, t], drawn) if given else drawn
            fast = model.sample_from_noise(noise, *given)
            assert (fast != slow).float().mean() < 0.01  # a uniform number may lie on the edge that rounding moved
    kept = torch.arange(LENGTH, device=device) < start[:, None]
    assert torch.equal(fast[kept], x[kept])


@NAMES
def test_a_prompt_conditions(name, device):
    model, n = build(name, device), 20_000
    prompt = torch.tensor([2, 0], device=device)
    drawn = model.sample(n, length=2, prompt=prompt, generator=runtime.generator(7, device)).cpu()
    assert drawn.shape == (n, 2)
    ends = all_sequences(2, device)
    log_prob = model.log_prob(torch.cat([prompt.expand(len(ends), -1), ends], 1))
    counts = torch.bincount(drawn[:, 0] * STATES + drawn[:, 1], minlength=STATES**2)
    assert differs_from(counts, n * log_prob.detach().double().softmax(0).cpu()) > ALARM
    with pytest.raises(ValueError, match="one length"):
        model.sample(2, prompt=torch.tensor([1, -1], device=device))


@NAMES
def test_complete_keeps_the_beginning_and_draws_the_rest(name, device):
    model = build(name, device)
    x, known = examples(50, device=device), torch.tensor([True, True, False, False], device=device)
    x[:, 2:] = 77  # the unknown may hold anything
    done = model.complete(x, known, generator=runtime.generator(8, device))
    assert torch.equal(done[:, :2], x[:, :2])
    assert ((done >= 0) & (done < STATES)).all()
    x[:, 2:] = 0
    with pytest.raises(ValueError, match="come first"):
        model.complete(x, ~known)
    with pytest.raises(ValueError, match="expected booleans"):
        model.complete(x, known.float())
    with pytest.raises(ValueError, match="known is a list"):
        model.complete(x, [True, True, False, False])


@NAMES
def test_padding_contributes_nothing(name, device):
    model = build(name, device, torch.float64)
    rows = [torch.tensor([0, 2, 1, 1]), torch.tensor([2]), torch.tensor([1, 0])]
    x = pad(rows).to(device)
    alone = torch.cat([model.log_prob(row[None].to(device)) for row in rows])
    torch.testing.assert_close(model.log_prob(x), alone)
    longer = torch.cat([x, torch.full_like(x, -1)], 1)
    torch.testing.assert_close(model.log_prob(longer), alone)
    assert (model.log_conditionals(x)[x == -1] == 0).all()
    torch.testing.assert_close(model.loss(x), -alone.sum() / 7)  # nats per symbol: 4 + 1 + 2 of them
    if any(p.requires_grad for p in model.parameters()):
        with torch.backends.cudnn.flags(enabled=False):  # cuDNN has no backward pass in evaluation mode
            gradients = [torch.autograd.grad(model.log_prob(t).sum(), list(model.parameters())) for t in (x, longer)]
        for one, other in zip(*gradients, strict=True):
            torch.testing.assert_close(one, other)


@NAMES
def test_symbols_of_a_narrow_type_give_the_same_numbers(name, device):
    """An index of uint8 is a mask, and the number of a context overflows in 8 or 16 bits: neither may happen without a word."""
    model, x = build(name, device), examples(5, 7, device=device)
    known = torch.arange(7, device=device) < 3
    expected = [f(x) for f in answers(model, known)]
    for dtype in (torch.uint8, torch.int8, torch.int16, torch.int32):
        found = [f(x.to(dtype)) for f in answers(model, known)]
        for one, other in zip(found, expected, strict=True):
            assert torch.equal(one, other)


def answers(model, known):
    """Everything that a sequence model computes from symbols."""

    def seeded(draw):
        return lambda x: draw(x, runtime.generator(3))

    return [
        model.log_prob,
        model.log_conditionals,
        model.loss,
        lambda x: model.conditionals(x).logits,
        seeded(lambda x, g: model.complete(x, known, generator=g)),
        seeded(lambda x, g: model.sample(5, prompt=x, length=3, generator=g)),
        seeded(lambda x, g: model.sample(5, prompt=x[0], length=3, generator=g)),
    ]


@NAMES
@pytest.mark.filterwarnings("ignore:TF32 acceleration on top of oneDNN")
def test_densities_are_float32_under_autocast(name, device):
    model, x = build(name, device), examples(40, 30, device=device)
    dtype = model.log_prob(x).dtype
    assert dtype == (torch.float64 if name.startswith("ngram") else torch.float32)
    with torch.autocast(device, torch.bfloat16), torch.backends.mkldnn.flags(enabled=False):  # it lacks some LSTMs in bfloat16
        found, logits = [model.log_prob(x), model.loss(x), model.conditionals(x).logits], model.logits(x)
    assert [t.dtype for t in found] == [dtype] * 3
    assert logits.dtype == dtype
    assert not torch.equal(logits, logits.bfloat16().to(dtype)), "the logits went through bfloat16"


@NAMES
def test_prompts_may_be_lists_and_must_fit_the_number_of_sequences(name):
    model = build(name)
    listed = model.sample(3, prompt=[1, 0], length=4, generator=runtime.generator(2))
    assert torch.equal(listed, model.sample(3, prompt=torch.tensor([1, 0]), length=4, generator=runtime.generator(2)))
    with pytest.raises(ValueError, match=r"expected \(P,\) or \(3, P\)"):
        model.sample(3, prompt=torch.zeros(2, 4, dtype=torch.long))


@NAMES
def test_the_integers_of_numpy_and_torch_are_taken_and_kept_as_python_ones(name):
    arguments = configuration(build(name))
    as_numpy = {k: np.int64(v) if isinstance(v, int) and not isinstance(v, bool) else v for k, v in arguments.items()}
    twin = type(build(name))(**as_numpy)
    assert json.dumps(configuration(twin)) == json.dumps(arguments)
    assert twin.sample(np.int64(2), length=torch.tensor(3)).shape == (2, 3)


@NAMES
def test_a_share_of_dropout_must_be_one(name):
    arguments = configuration(build(name))
    for bad in (math.nan, -0.1, 1.0, math.inf) if "dropout" in arguments else ():
        with pytest.raises(ValueError, match="dropout is"):
            type(build(name))(**{**arguments, "dropout": bad})


@NAMES
def test_configuration_round_trip(name):
    model = build(name)
    twin = type(model)(**json.loads(json.dumps(configuration(model))))
    twin.load_state_dict(model.state_dict())
    x = examples(7)
    assert torch.equal(twin.eval().log_prob(x), model.log_prob(x))
    assert twin.event_shape == model.event_shape


@NAMES
def test_bad_input_is_refused(name):
    model = build(name)
    with pytest.raises(ValueError, match="expected integers"):
        model.log_prob(torch.zeros(2, LENGTH))
    with pytest.raises(ValueError, match="unseen by this model"):
        model.log_prob(torch.full((2, LENGTH), STATES))
    with pytest.raises(ValueError, match="add the batch axis"):
        model.log_prob(torch.zeros(LENGTH, dtype=torch.long))
    with pytest.raises(ValueError, match="goes on after padding"):
        model.log_prob(torch.tensor([[0, -1, 1, 1]]))
    for bad in ({"temperature": -1.0}, {"temperature": math.nan}, {"top_p": 0.0}, {"top_p": 1.5}):
        with pytest.raises(ValueError, match="expected a"):
            model.sample(1, generator=runtime.generator(0), **bad)
