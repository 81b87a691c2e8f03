"""N-grams: counts by hand, Kneser-Ney's and Witten-Bell's formulas spelled out, the novel."""

import itertools
import math
from collections import Counter, defaultdict

import pytest
import torch

from course_lib import runtime
from course_lib.models.probability.markov_chain import pad
from course_lib.models.sequence import NGram
from course_lib.models.sequence.ngram import SMOOTHINGS


def spelled_out(sequences, states, context, smoothing):
    """p(k | c) as a function, from dictionaries, by the formulas of the papers and no other code."""
    grams = [Counter() for _ in range(context + 1)]
    for s in sequences:
        whole = [states] * context + s
        for t in range(context, len(whole)):
            for n in range(context + 1):
                grams[n][tuple(whole[t - n : t + 1])] += 1
    if smoothing == "kneser-ney":
        for n in range(context):  # continuation counts
            grams[n] = Counter(longer[1:] for longer in grams[n + 1])
    after = [defaultdict(dict) for _ in grams]
    for n, table in enumerate(grams):
        for gram, count in table.items():
            after[n][gram[:-1]][gram[-1]] = count

    def discount(n, count):
        t = [sum(v == r for v in grams[n].values()) for r in (1, 2, 3, 4)]
        if not all(t):
            return 0.5
        Y = t[0] / (t[0] + 2 * t[1])
        r = min(count, 3)
        return min(max(r - (r + 1) * Y * t[r] / t[r - 1], 0), count)

    def p(k, c):
        shorter = p(k, c[1:]) if c else 1 / states
        seen = after[len(c)].get(c)
        if seen is None:
            return shorter
        total, different = sum(seen.values()), len(seen)
        if smoothing == "witten-bell":
            return (seen.get(k, 0) + different * shorter) / (total + different)
        lost = sum(discount(len(c), count) for count in seen.values())
        own = seen[k] - discount(len(c), seen[k]) if k in seen else 0
        return (own + lost * shorter) / total

    # below the uniform distribution there is nothing: the empty context is averaged with 1 / K
    return p


@pytest.mark.parametrize("smoothing", SMOOTHINGS)
@pytest.mark.parametrize(("context", "draws"), [(0, 40), (1, 40), (3, 40), (3, 600)])
def test_against_the_formulas_spelled_out(smoothing, context, draws):
    g = runtime.generator(context)
    probs = torch.tensor([0.5, 0.3, 0.1, 0.07, 0.03])
    sequences = [torch.multinomial(probs, n, replacement=True, generator=g) for n in (draws, draws // 2, 3, 1)]
    model = NGram(symbols=6, length=5, context=context, smoothing=smoothing).estimate(pad(sequences))  # symbol 5 never occurs
    p = spelled_out([s.tolist() for s in sequences], 6, context, smoothing)
    x = torch.randint(6, (8, 7), generator=g)
    found = model.conditionals(x).probs
    for row, t in itertools.product(range(8), range(7)):
        whole = [6] * context + x[row].tolist()
        c = tuple(whole[t : t + context])
        for k in range(6):
            assert math.isclose(found[row, t, k].item(), p(k, c), rel_tol=1e-9)


def test_it_learns_more_from_more_context():
    x = torch.tensor([[0, 1, 2, 0, 2, 1] * 50])  # what follows is certain after two symbols, not after one
    nats = [-NGram(symbols=3, length=6, context=n).estimate(x).log_prob(x).item() / x.numel() for n in range(3)]
    assert nats[0] == pytest.approx(math.log(3), abs=0.02)
    assert nats[0] > nats[1] > nats[2]
    assert nats[2] < 0.05


def test_untrained_it_is_uniform():
    x = torch.tensor([[0, 3, 1]])
    assert NGram(symbols=4, length=3).log_prob(x).item() == pytest.approx(-3 * math.log(4))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"context": -1}, "context"),
        ({"context": 40}, "below 2"),
        ({"smoothing": "laplace"}, "kneser-ney"),
        ({"symbols": 0}, "symbols"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        NGram(**{"symbols": 3, "length": 4, **arguments})


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int16, torch.int32])
@pytest.mark.parametrize("context", [2, 4, 5])
def test_the_number_of_a_context_does_not_overflow(context, dtype):
    """75 symbols and a context of 5 make numbers above 2^31, 75 and 2 above 2^8."""
    x = torch.randint(75, (3, 60), generator=runtime.generator(0))
    wide = NGram(symbols=75, length=60, context=context).estimate(x)
    narrow = NGram(symbols=75, length=60, context=context).estimate(x.to(dtype))
    assert torch.equal(wide.log_prob(x), wide.log_prob(x.to(dtype)))
    assert torch.equal(wide.log_prob(x), narrow.log_prob(x))
    assert torch.equal(wide.logits(x), wide.logits(x.to(dtype)))
    prompt = x[0, :9]
    written = [wide.sample(2, prompt=p, length=5, generator=runtime.generator(1)) for p in (prompt, prompt.to(dtype))]
    assert torch.equal(*written)


def test_the_numbers_of_contexts_are_buffers_and_the_rows_parameters():
    model = NGram(symbols=4, length=6, context=2).estimate(torch.randint(4, (5, 40), generator=runtime.generator(2)))
    assert all(parameter.is_floating_point() for parameter in model.parameters())
    assert [name for name, _ in model.named_buffers()] == ["contexts_0", "contexts_1", "contexts_2"]
    twin = NGram(symbols=4, length=6, context=2)
    twin.load_state_dict(model.state_dict())
    x = torch.tensor([[0, 3, 1, 2]])
    assert torch.equal(twin.log_prob(x), model.log_prob(x))
    assert model.noise(2, runtime.generator(0)).dtype == torch.float32


def test_estimate_moves_the_data_to_the_models_device(device):
    x = torch.randint(4, (5, 40), generator=runtime.generator(2))
    model = NGram(symbols=4, length=6, context=2).to(device).estimate(x)
    assert {t.device.type for t in model.state_dict().values()} == {device}
    torch.testing.assert_close(model.log_prob(x.to(device)).cpu(), NGram(symbols=4, length=6, context=2).estimate(x).log_prob(x))
