"""Levels in time: plans that see only the past, translators that attend within the source, caches, and numerals."""

import itertools

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import load, numerals
from course_lib.models.probability.markov_chain import pad
from course_lib.models.sequence import CausalTransformer, NestedRNN, Seq2Seq

STATES = 4


def far_from_start(model):
    """Weights so large that every dependency shows."""
    generator = runtime.generator(1)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.6 * torch.randn(parameter.shape, generator=generator))
    return model.double().eval()


def nested(**cut):
    runtime.seed(0)
    return far_from_start(NestedRNN(symbols=STATES, length=9, upper=5, reader=4, lower=6, embedding=3, **cut))


def translator(attention=True, source_symbols=3, target_symbols=3):
    runtime.seed(0)
    sizes = {"source_symbols": source_symbols, "target_symbols": target_symbols, "source_length": 5, "target_length": 4}
    return far_from_start(Seq2Seq(**sizes, hidden=6, embedding=3, attention=attention))


def some(n, length, states=STATES, seed=3):
    return torch.randint(states, (n, length), generator=runtime.generator(seed))


def cut_by_hand(row, separators, longest):
    words, word = [], []
    for symbol in row:
        word.append(symbol)
        if symbol in separators or len(word) == longest:
            words.append(word)
            word = []
    return [*words, word] if word else words


@pytest.mark.parametrize("cut", [{"separators": [1], "longest": 20}, {"longest": 4}, {"separators": [0, 3], "longest": 2}])
def test_segments_are_those_cut_by_hand(cut):
    model, x = nested(**cut), some(50, 13)
    x[7, 5:] = x[8, 1:] = -1
    found = model.segments(x)
    for row in range(50):
        words = cut_by_hand([s for s in x[row].tolist() if s >= 0], cut.get("separators", []), cut["longest"])
        assert found.lengths[row][: len(words)].tolist() == [len(word) for word in words]
        assert not found.lengths[row][len(words) :].any()
        places = [(k, i) for k, word in enumerate(words) for i in range(len(word))]
        assert list(zip(found.segment[row].tolist(), found.position[row].tolist(), strict=True))[: len(places)] == places


def test_a_plan_sees_every_segment_before_its_own_and_nothing_else():
    model, x = nested(longest=3), some(6, 12)
    before = model.plans(x)  # (6, 4, U)
    for j in range(12):
        other = x.clone()
        other[:, j] = (other[:, j] + 1) % STATES
        moved = ((model.plans(other) - before).abs() > 1e-9).any(-1).any(0)  # (4,)
        assert moved.tolist() == [k > j // 3 for k in range(4)]


def test_the_lower_level_knows_the_past_by_its_plan_alone():
    model, x = nested(longest=3), some(5, 12)
    plans, logits = model.plans(x), model.logits(x)
    symbol, state = torch.full((5,), model.start_symbol), model.begin(plans[:, 2])  # as if the third segment came first
    for t in range(6, 9):
        stepwise, state = model.step(symbol, state)
        torch.testing.assert_close(stepwise, logits[:, t])
        symbol = x[:, t]


def test_writing_by_a_plan_is_the_models_own_conditional():
    model = nested(separators=[0], longest=4)
    noise = model.noise(40, runtime.generator(5), length=9)
    own = model.sample_from_noise(noise)
    assert torch.equal(model.write_by(model.initial_state(40).plan, noise), own)
    cut = model.segments(own)
    begins = cut.position[:, 4] == 0  # where a segment begins at 4, going on by its plan is going on
    plan = model.plans(own)[torch.arange(40), cut.segment[:, 4]]
    again = torch.cat([own[:, :4], model.write_by(plan, noise[:, 4:])], 1)
    assert begins.sum() > 5
    assert torch.equal(again[begins], own[begins])
    elsewhere = model.write_by(torch.full((40, 5), 3.0).double(), noise)
    assert (elsewhere != own).any()


def test_bad_nested_arguments_are_refused():
    with pytest.raises(ValueError, match="separators are"):
        NestedRNN(symbols=3, length=2, separators=[3], longest=2)
    with pytest.raises(ValueError, match="longest"):
        NestedRNN(symbols=3, length=2, longest=0)


@pytest.mark.parametrize("attention", [True, False])
def test_probabilities_of_all_targets_sum_to_1(attention):
    model = translator(attention)  # symbols 0, 1 and the end 2; up to 4 of them
    targets = [t for n in range(1, 5) for t in itertools.product(range(3), repeat=n)]
    ended = [t for t in targets if 2 not in t[:-1] and (t[-1] == 2 or len(t) == 4)]  # the end ends; else cut off at 4
    x = pad([torch.tensor(t) for t in ended])
    for source in (torch.tensor([0, 2, 1]), torch.tensor([1])):
        total = model.given(source).log_prob(x).exp().sum().item()
        assert total == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("attention", [True, False])
def test_target_conditionals_see_the_source_and_the_past_only(attention):
    model, target = translator(attention), some(6, 4, 3)
    source = pad([torch.tensor(s) for s in ([0, 1, 2, 0, 1], [1], [2, 2], [0, 1, 0], [2], [1, 0, 0, 2])])
    before = model.given(source).logits(target)
    for j in range(4):
        other = target.clone()
        other[:, j] = (other[:, j] + 1) % 3
        moved = ((model.given(source).logits(other) - before).abs() > 1e-9).any(-1).any(0)
        assert moved.tolist() == [t > j for t in range(4)]
    elsewhere = source.clone()
    elsewhere[0, 4] = 2  # the last source symbol of the first row: it moves every conditional of that row and no other row's
    moved = ((model.given(elsewhere).logits(target) - before).abs() > 1e-9).any(-1)
    assert moved[0].all()
    assert not moved[1:].any()


@pytest.mark.parametrize("attention", [True, False])
def test_padding_of_the_source_changes_nothing(attention):
    model, target = translator(attention), some(3, 4, 3)
    rows = [torch.tensor([0, 1, 2, 0, 1]), torch.tensor([1]), torch.tensor([2, 0])]
    together = model.given(pad(rows)).log_prob(target)
    alone = torch.cat([model.given(row).log_prob(target[k : k + 1]) for k, row in enumerate(rows)])
    torch.testing.assert_close(together, alone)


def test_attention_rows_sum_to_1_and_leave_padding_alone():
    model, target = translator(), some(3, 4, 3)
    source = pad([torch.tensor([0, 1, 2, 0, 1]), torch.tensor([1]), torch.tensor([2, 0])])
    weights = model.given(source).attention(target)  # (3, 4, 5)
    torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4).double())
    assert (weights[(source < 0)[:, None].expand_as(weights)] == 0).all()
    assert (weights >= 0).all()
    assert (weights[0].std(0) > 1e-4).any(), "it looks at the same place at every step"
    with pytest.raises(ValueError, match="no attention"):
        translator(False).given(source).attention(target)


def test_attention_is_the_equation_written_out():
    model = translator()
    memory = model.encode(torch.tensor([[0, 2, 1]]))
    weights, seen = model.look(memory)
    e = [model.score.weight[0] @ torch.tanh(model.query(memory.s[0]) + model.key.weight @ h) for h in memory.notes[0]]
    torch.testing.assert_close(weights[0], torch.stack(e).softmax(0))
    torch.testing.assert_close(seen[0], sum(w * h for w, h in zip(weights[0], memory.notes[0], strict=True)))


@pytest.mark.parametrize("attention", [True, False])
def test_stepwise_is_parallel_and_samples_end_where_they_end(attention):
    model, source = translator(attention), torch.tensor([1, 0, 2])
    given, x = model.given(source), some(5, 4, 3)
    symbol, state = torch.full((5,), given.start_symbol), given.initial_state(5)
    for t in range(4):
        logits, state = given.step(symbol, state)
        torch.testing.assert_close(logits, given.logits(x)[:, t])
        symbol = x[:, t]
    drawn = given.sample(3000, generator=runtime.generator(2))
    given.check(drawn)
    after = (drawn == model.end).long().cumsum(1) - (drawn == model.end).long() > 0
    assert (drawn[after] == -1).all()
    assert (drawn[~after] >= 0).all()
    stopped = (drawn[:, 0] == model.end).double().mean().item()
    assert stopped == pytest.approx(given.conditionals(x[:1]).probs[0, 0, model.end].item(), abs=0.05)
    best = given.greedy()
    assert best[0, 0] == given.conditionals(best).probs[0, 0].argmax()


def test_sources_and_targets_must_agree_in_number():
    model = translator()
    with pytest.raises(ValueError, match="2 sources for 3 targets"):
        model.given(some(2, 3, 3)).log_prob(some(3, 4, 3))
    with pytest.raises(ValueError, match=r"expected \(B, 5"):
        model.loss(some(2, 4, 3))
    with pytest.raises(ValueError, match="source has the symbol 3"):
        model.given(torch.tensor([3])).sample(1)


def test_a_translator_learns_to_copy():
    runtime.seed(0)
    model = Seq2Seq(source_symbols=3, target_symbols=4, source_length=4, target_length=5, hidden=16, embedding=8)
    source = some(256, 4, 3)
    rows = torch.cat([source, source, torch.full((256, 1), 3)], 1)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(60):
        optimiser.zero_grad()
        model.loss(rows).backward()
        optimiser.step()
    assert model.eval().exact(rows).float().mean() > 0.95
    wrong = rows.clone()
    wrong[:, 4] = (wrong[:, 4] + 1) % 3
    assert not model.exact(wrong).float().mean() > 0.05


def test_the_transformers_cache_grows_by_one_row_a_step_and_its_attention_is_plain():
    runtime.seed(0)
    model = far_from_start(CausalTransformer(symbols=STATES, length=6, width=8, heads=2, layers=1, convolution=0))
    x = some(2, 6)
    symbol, state = torch.full((2,), model.start_symbol), model.initial_state(2)
    for t in range(6):
        _, state = model.step(symbol, state)
        assert state[0].key.shape == (2, 2, t + 1, 4)
        symbol = x[:, t]
    block, h = model.blocks[0], model.embed(model.shifted(x))
    q, k, v = (p.unflatten(-1, (2, 4)) for p in block.query_key_value(block.norm_attention(h)).chunk(3, -1))  # (B, T, heads, 4)
    angle = torch.arange(6)[:, None] * 10_000.0 ** (-torch.arange(2) / 2)
    turn = torch.polar(torch.ones(6, 2).double(), angle.double())[:, None]  # rotation as multiplication by a complex number
    q, k = (torch.view_as_real(torch.complex(p[..., :2], p[..., 2:]) * turn).transpose(-1, -2).flatten(-2) for p in (q, k))
    e = torch.einsum("bthc,bshc->bhts", q, k) / 2
    seen = e.masked_fill(~torch.ones(6, 6).tril().bool(), -torch.inf).softmax(-1)
    h = h + block.mix(torch.einsum("bhts,bshc->bthc", seen, v).flatten(2))
    h = h + block.network(block.norm_network(h))
    torch.testing.assert_close(model.readout(model.norm(h)), model.logits(x), rtol=1e-5, atol=1e-6)


def test_bad_transformers_are_refused():
    with pytest.raises(ValueError, match="multiple of 2 × heads"):
        CausalTransformer(symbols=3, length=4, width=9, heads=2)
    with pytest.raises(ValueError, match="convolution"):
        CausalTransformer(symbols=3, length=4, convolution=-1)


def test_roman_numerals():
    known = {
        1: "I",
        4: "IV",
        9: "IX",
        14: "XIV",
        40: "XL",
        90: "XC",
        400: "CD",
        1813: "MDCCCXIII",
        1984: "MCMLXXXIV",
        3999: "MMMCMXCIX",
    }
    assert {number: numerals.to_roman(number) for number in known} == known
    assert len({numerals.to_roman(number) for number in range(1, 4000)}) == 3999
    value = dict(zip("IVXLCDM", (1, 5, 10, 50, 100, 500, 1000), strict=True))
    for number in range(1, 4000):  # a letter before a greater one is taken away
        letters = [value[letter] for letter in numerals.to_roman(number)]
        assert number == sum(-v if v < after else v for v, after in itertools.pairwise([*letters, 0]))
    for bad in (0, 4000, 2.0, True):
        with pytest.raises(ValueError, match="from 1 to 3999"):
            numerals.to_roman(bad)


def test_numerals_round_trip_and_their_parts():
    for kind, words in (("roman", ["MCM", "I", "MMMDCCCLXXXVIII"]), ("decimal", ["7", "3888"])):
        for end in (False, True):
            assert numerals.decode(numerals.encode(words, kind, end=end), kind) == words
    for bad in ("", "IVA", "M.", "I" * 16):
        with pytest.raises(ValueError, match="no roman numeral"):
            numerals.encode([bad], "roman", end=False)
    with pytest.raises(ValueError, match="kind is"):
        numerals.alphabet("greek")
    train, test = set(numerals.numbers("train+validation").tolist()), set(numerals.numbers("test").tolist())
    assert train | test == set(range(1, 4000))
    assert not train & test
    assert len(test) == 800
    source, target = numerals.pairs([1984], to="decimal")
    assert (numerals.decode(source, "roman"), numerals.decode(target, "decimal")) == (["MCMLXXXIV"], ["1984"])
    rows, number = load("numerals", "test")
    assert rows.shape == (800, 4 + 16)
    assert set(number.tolist()) == test


@pytest.mark.parametrize("dtype", [torch.uint8, torch.int8, torch.int32])
@pytest.mark.parametrize("attention", [True, False])
def test_sources_and_targets_of_a_narrow_type_give_the_same_numbers(attention, dtype):
    model, source, target = translator(attention), some(3, 5, 3), some(3, 4, 3)
    narrow = source.to(dtype), target.to(dtype)
    torch.testing.assert_close(model.given(narrow[0]).log_prob(narrow[1]), model.given(source).log_prob(target))
    assert torch.equal(model.given(narrow[0]).greedy(), model.given(source).greedy())
    rows = torch.cat([source, target], 1)
    torch.testing.assert_close(model.loss(rows.to(dtype)), model.loss(rows))
    assert torch.equal(model.exact(rows.to(dtype)), model.exact(rows))


@pytest.mark.parametrize("attention", [True, False])
def test_a_translators_densities_are_float32_under_autocast(attention):
    model, rows = translator(attention).float(), some(6, 9, 3)
    with torch.autocast("cpu", torch.bfloat16):
        assert model.loss(rows).dtype == torch.float32
        logits = model.given(rows[:, :5]).logits(rows[:, 5:])
    assert not torch.equal(logits, logits.bfloat16().float()), "the logits went through bfloat16"


@pytest.mark.parametrize("convolution", [0, 3])
@pytest.mark.parametrize("chunks", [[4, 4], [1, 7], [5, 1, 2], [8]])
def test_the_transformer_is_causal_whatever_the_chunks_it_reads_in(convolution, chunks):
    runtime.seed(0)
    model = far_from_start(CausalTransformer(symbols=STATES, length=8, width=8, heads=2, layers=2, convolution=convolution))
    symbols, caches, found = some(3, 8), None, []
    whole, _ = model.run(symbols)
    for chunk in symbols.split(chunks, 1):
        logits, caches = model.run(chunk, caches)
        found.append(logits)
    torch.testing.assert_close(torch.cat(found, 1), whole)
