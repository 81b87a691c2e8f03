"""PixelRNN and PixelCNN: colours, receptive fields against gradients, and oracles that nobody here wrote."""

import itertools
import math

import pytest
import scipy.stats
import torch

from course_lib import runtime
from course_lib.distributions import DiscretisedLogisticMixture, GreyLevels
from course_lib.models.autoregressive import AutoregressiveModel, DiagonalBiLSTM, GatedPixelCNN, PixelCNN, RowLSTM
from course_lib.nn.image_lstm import DiagonalLayer, RowLayer, diagonals, lstm_update

KINDS = [RowLSTM, DiagonalBiLSTM, PixelCNN, GatedPixelCNN]
OUTPUTS = ["categorical", "logistic"]


def build(kind, event_shape, seed=0, strength=0.4, **more):
    """A model in doubles whose weights are far from their start."""
    runtime.seed(seed)
    model = kind(event_shape=event_shape, **{"features": 12, "layers": 2, **more}).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(strength * torch.randn_like(parameter))
    return model.eval()


def colours(shape, levels, n=None, seed=1):
    steps = torch.randint(levels, (n, *shape), generator=runtime.generator(seed))
    return steps.double() / (levels - 1)


@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_probabilities_of_coloured_images_sum_to_1(kind, output):
    model = build(kind, (3, 1, 2), output=output, levels=3, components=2)
    states = torch.tensor(list(itertools.product([0.0, 0.5, 1.0], repeat=6)), dtype=torch.double).reshape(-1, 3, 1, 2)
    assert model.log_prob(states).exp().sum().item() == pytest.approx(1, abs=1e-9)


def jacobian(model, x):
    """d parameters of conditional k / d x_j, both flat: (D, D) of whether any parameter moves."""
    model.check = lambda x: x
    D = model.dimensions

    def numbers(values):
        dist = model.conditionals(values)
        parts = [dist.logits] if model.output != "logistic" else [dist.logits, dist.mean, dist.log_scale]
        return torch.cat([part.reshape(D, -1) for part in parts], 1)  # (D, P)

    return torch.autograd.functional.jacobian(numbers, x).reshape(D, -1, D).abs().sum(1)


@pytest.mark.parametrize("output", ["bernoulli", *OUTPUTS])
@pytest.mark.parametrize("kind", KINDS)
def test_no_colour_sees_itself_or_a_later_one_and_all_sees_what_it_should(kind, output):
    C = 1 if output == "bernoulli" else 3
    models = [build(kind, (C, 2, 3), seed, output=output, levels=5, components=2) for seed in range(3)]  # a relu may be dead
    total = sum(jacobian(model, colours((C, 2, 3), 5, 1)) for model in models)
    ordered = total[models[0].order][:, models[0].order]
    assert not ordered.triu().any(), "a derivative runs against the order"
    assert (ordered.tril(-1) > 0).sum() == len(ordered) * (len(ordered) - 1) // 2, "something that came before is not seen"


@pytest.mark.parametrize("place", [(7, 6), (4, 0), (6, 12), (0, 5)])
@pytest.mark.parametrize(
    ("kind", "layers", "kernel"),
    [(kind, layers, 3) for kind in KINDS for layers in (1, 2)] + [(kind, 2, 5) for kind in KINDS if kind is not DiagonalBiLSTM],
)
def test_the_receptive_field_is_what_the_geometry_says(kind, layers, kernel, place):
    i, j = place
    seen = torch.zeros(8, 13, dtype=torch.bool)
    for seed in range(4):  # a relu may be dead in one of them
        model = build(kind, (1, 8, 13), seed, layers=layers, kernel=kernel)
        model.check = lambda x: x
        x = torch.rand(1, 1, 8, 13, dtype=torch.double, generator=runtime.generator(seed)).requires_grad_()
        (gradient,) = torch.autograd.grad(model.conditionals(x).logits[0, 0, i, j], x)
        seen |= gradient[0, 0] != 0
    assert torch.equal(seen, model.receptive_field(i, j))


def test_the_blind_spot_and_who_has_none():
    before = torch.arange(20 * 20).reshape(20, 20) < 12 * 20 + 3
    missed = {kind: before & ~build(kind, (1, 20, 20), layers=6).receptive_field(12, 3) for kind in KINDS}
    assert missed[DiagonalBiLSTM].nonzero().tolist() == [[11, 19]]  # the last of the row above: mask A, and nothing right of it
    assert missed[RowLSTM].any()
    assert missed[PixelCNN][11, 13:].all(), "one row up the kernels look only 3 + 6 columns to the right"
    assert not missed[GatedPixelCNN][5:, :13].any()
    assert missed[PixelCNN][5:, :13].any(), "the wedge on the right above"


@pytest.mark.parametrize("kind", [RowLSTM, PixelCNN, GatedPixelCNN])
def test_a_wider_kernel_sees_more(kind):
    narrow, wide = (build(kind, (1, 20, 20), layers=1, kernel=kernel).receptive_field(12, 8) for kernel in (3, 7))
    assert (narrow <= wide).all()
    assert wide[9].nonzero().max() > narrow[9].nonzero().max(), "three rows up, further to the right"
    if kind is not RowLSTM:  # whose kernel lies over the row above
        assert wide[12].nonzero().min() == narrow[12].nonzero().min() - 2


@pytest.mark.parametrize("kind", KINDS)
def test_places_leave_maps_in_half_precision(kind):
    maps = torch.ones(2, 12, 4, 4, dtype=torch.bfloat16)
    assert build(kind, (1, 4, 4), positions=True).placed(maps).dtype == torch.bfloat16


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("kernel", [0, 4, -3])
def test_a_kernel_without_a_middle_is_refused(kind, kernel):
    with pytest.raises(ValueError, match=f"kernel is {kernel}; expected an odd number"):
        build(kind, (1, 4, 4), kernel=kernel)


def test_a_diagonal_bilstm_has_no_kernel_to_choose():
    with pytest.raises(ValueError, match="leave it out"):
        build(DiagonalBiLSTM, (1, 4, 4), kernel=5)


@pytest.mark.parametrize("kind", KINDS)
def test_only_positions_tell_one_place_of_a_blank_image_from_another(kind):
    """All inputs 0, and no bias: convolutions give every pixel the same conditional. (An LSTM counts its steps.)"""
    plain, placed = (build(kind, (1, 6, 7), strength=0.0, positions=positions) for positions in (False, True))
    blank = torch.zeros(1, 1, 6, 7, dtype=torch.double)
    if kind in (PixelCNN, GatedPixelCNN):
        assert plain.conditionals(blank).logits.unique().numel() == 1
    before = placed.conditionals(blank).logits[0, 0]
    with torch.no_grad():
        placed.place[:, 2, 3] = 1.0
    moved = placed.conditionals(blank).logits[0, 0] != before
    assert moved[2, 3]
    assert not moved[:2].any(), "what is known of a place acts on what comes before it"


@pytest.mark.parametrize("positions", [False, True])
@pytest.mark.parametrize("output", OUTPUTS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_cached_sampler_gives_what_the_slow_one_gives_in_colour(kind, output, positions):
    model = build(kind, (3, 3, 4), output=output, levels=6, positions=positions)
    noise = model.noise(9, runtime.generator(3)).double()
    x, start = colours((3, 3, 4), 6, 9).flatten(1), torch.arange(9) * 4
    with torch.no_grad():
        torch.testing.assert_close(model.sample_from_noise(noise), AutoregressiveModel.sample_from_noise(model, noise))
        fast = model.sample_from_noise(noise, x, start)
        torch.testing.assert_close(fast, AutoregressiveModel.sample_from_noise(model, noise, x, start))
    assert torch.isfinite(model.log_prob(fast.reshape(9, 3, 3, 4))).all()


def test_lstm_update_is_torchs_lstm_cell():
    cell = torch.nn.LSTMCell(5, 4).double()
    x, h, c = torch.randn(7, 5).double(), torch.randn(7, 4).double(), torch.randn(7, 4).double()
    i, f, g, o = (x @ cell.weight_ih.T + cell.bias_ih + h @ cell.weight_hh.T + cell.bias_hh).chunk(4, -1)  # torch's own order
    mine = lstm_update(torch.cat([o, f, i, g], -1), c)
    for one, other in zip(mine, cell(x, (h, c)), strict=True):
        torch.testing.assert_close(one, other)


def by_definition(layer, maps, side):
    """One direction of a DiagonalLayer by the recurrence of the paper, a pixel at a time: {(i, j): hidden}."""
    H, W = maps.shape[:2]
    blank = torch.zeros(maps.shape[2], layer.hidden).double()
    into, between = (both[side] for both in layer.matrices())  # the mask of one colour cuts nothing
    hidden, cells = {}, {}
    for i in range(H):
        for j in range(W) if side == 0 else reversed(range(W)):
            beside = (i, j - 1) if side == 0 else (i, j + 1)
            states = torch.cat([hidden.get(beside, blank), hidden.get((i - 1, j), blank)], -1)
            sums = layer.bias[side] + maps[i, j] @ into + states @ between
            hidden[i, j], cells[i, j] = lstm_update(sums, cells.get(beside, blank))
    return hidden


@pytest.mark.parametrize("shape", [(4, 5), (5, 3), (1, 4), (4, 1)])
def test_the_diagonal_layer_is_its_definition(shape):
    layer = DiagonalLayer(torch.zeros(3), torch.zeros(2)).double()
    maps = torch.randn(*shape, 6, 3, generator=runtime.generator(0)).double()
    left, right = by_definition(layer, maps, 0), by_definition(layer, maps, 1)
    result = layer(maps)
    for i, j in itertools.product(range(shape[0]), range(shape[1])):
        expected = left[i, j] + (right[i - 1, j] if i else 0.0)
        torch.testing.assert_close(result[i, j], expected)


def test_the_diagonal_layer_takes_2n_minus_1_steps():
    order, sizes = diagonals(28, 28)
    assert len(sizes) == 2 * 28 - 1
    assert sum(sizes) == 28 * 28
    assert sorted(order.tolist()) == list(range(28 * 28))
    calls = []

    def counted(gates, cell):
        calls.append(gates.shape[1])
        return lstm_update(gates, cell)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("course_lib.nn.image_lstm.lstm_update", counted)
        DiagonalLayer(torch.zeros(2), torch.zeros(2))(torch.zeros(28, 28, 1, 2))
    assert calls == sizes


def test_the_row_layer_is_its_definition():
    layer = RowLayer(torch.zeros(3), torch.zeros(2)).double()
    maps = torch.randn(4, 5, 6, 3, generator=runtime.generator(0)).double()
    result = layer(maps)
    blank, cells, hidden = torch.zeros(6, 2).double(), {}, {}
    for i, j in itertools.product(range(4), range(5)):
        beside = maps[i, j - 1] if j else torch.zeros(6, 3).double()
        above = torch.cat([hidden.get((i - 1, j + side), blank) for side in (-1, 0, 1)], -1)
        sums = layer.input(torch.cat([beside, maps[i, j]], -1)) + layer.state(above)
        hidden[i, j], cells[i, j] = lstm_update(sums, cells.get((i - 1, j), blank))
        torch.testing.assert_close(result[i, j], hidden[i, j])


def test_discretised_logistic_against_scipy():
    K = 9
    logits, mean, log_scale = torch.tensor([[0.3, -0.4], [-1.0, 1.7], [-1.5, 0.4]]).double()
    values = torch.arange(K).double() / (K - 1)
    mine = DiscretisedLogisticMixture(*(t.expand(K, 2) for t in (logits, mean, log_scale)), levels=K).log_prob(values).exp()
    edges = ((torch.arange(1, K) - 0.5) / (K - 1) - 0.5) * 4
    cdf = sum(
        weight * scipy.stats.logistic.cdf(edges, loc, scale)
        for weight, loc, scale in zip(logits.softmax(0).tolist(), mean.tolist(), log_scale.exp().tolist(), strict=True)
    )
    expected = torch.diff(torch.cat([torch.zeros(1), torch.tensor(cdf), torch.ones(1)]).double())
    torch.testing.assert_close(mine, expected)
    n = 40_000
    many = DiscretisedLogisticMixture(*(t.expand(n, 2) for t in (logits, mean, log_scale)), levels=K)
    drawn = many.from_noise(torch.rand(n, 2, generator=runtime.generator(1), dtype=torch.double))
    counts = torch.bincount((drawn * (K - 1)).round().long(), minlength=K)
    assert scipy.stats.chisquare(counts.numpy(), (n * mine).numpy(), sum_check=False).pvalue > 1e-6


def test_discretised_logistic_stays_finite_far_out():
    sharp = DiscretisedLogisticMixture(torch.zeros(2, 1), torch.full((2, 1), 2.0), torch.full((2, 1), -7.0))
    log_prob = sharp.log_prob(torch.tensor([0.0, 1.0]))
    assert torch.isfinite(log_prob).all()
    assert log_prob[0] < -1000
    assert log_prob[1] > -0.7


def test_grey_levels_are_a_categorical_on_a_scale():
    logits = torch.randn(5, 4, generator=runtime.generator(0))
    values = torch.tensor([0, 1, 2, 3, 1]) / 3
    torch.testing.assert_close(GreyLevels(logits).log_prob(values), logits.log_softmax(-1)[torch.arange(5), [0, 1, 2, 3, 1]])


@pytest.mark.parametrize("kind", KINDS)
def test_256_grey_values_and_sharp_logistics_survive_autocast(kind):
    """Under bfloat16 the blocks alone round: the inputs, the first convolution and the readout stay in float32."""
    runtime.seed(0)
    model = kind(event_shape=(1, 8, 8), features=32, layers=1, output="logistic", components=1, mean=0.7, spread=0.03)
    with torch.no_grad():
        model.last.weight.mul_(10)  # means that depend on what was seen
        model.last.weight[2] = 0
        model.last.bias.copy_(torch.tensor([0.0, 0.9, -5.0]))  # narrow: an error of half a grey value costs about a nat
    x = torch.rand(16, 1, 8, 8, generator=runtime.generator(1))
    x = ((0.1 * x + 0.7) * 255).round() / 255
    exact = model.log_prob(x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = model.log_prob(x)
    assert found.dtype == torch.float32
    assert (found - exact).abs().max() < 2.5  # of some 1,500 nats; 5 to 10 when the readout and the inputs are rounded too


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 1, 4), (1, 4, 1)])
def test_the_receptive_field_of_images_of_one_row_or_column(kind, shape):
    model = build(kind, shape)
    for i, j in itertools.product(range(shape[1]), range(shape[2])):
        seen = model.receptive_field(i, j)
        assert seen.shape == shape[1:]
        assert not seen.flatten()[i * shape[2] + j :].any()


def test_the_diagonal_layer_lays_out_images_of_another_size_anew():
    layer = DiagonalLayer(torch.zeros(2), torch.zeros(2))
    maps = torch.randn(4, 5, 1, 2, generator=runtime.generator(0))
    first = layer(maps)
    assert layer(maps.transpose(0, 1).contiguous()).shape == (5, 4, 1, 2)
    assert torch.equal(layer(maps), first)
    assert set(layer.state_dict()) == {"input", "state", "bias"}


@pytest.mark.parametrize("given", [{"levels": 1}, {"spread": 0.0}, {"spread": math.inf}, {"mean": math.nan}])
def test_grey_values_and_standardisation_that_mean_nothing_are_refused(given):
    with pytest.raises(
        ValueError, match=r"expected at least 2 grey values|standard deviation of the data, above 0|mean of the data"
    ):
        PixelCNN(event_shape=(1, 4, 4), features=4, layers=1, output="categorical", **given)


@pytest.mark.parametrize("kind", KINDS)
def test_bad_input_is_refused(kind):
    with pytest.raises(ValueError, match="multiple of 6"):
        kind(event_shape=(3, 4, 4), features=16, layers=1)
    with pytest.raises(ValueError, match=r"\(C, H, W\)"):
        kind(event_shape=(784,), features=16, layers=1)
    with pytest.raises(ValueError, match="output is 'softmax'"):
        kind(event_shape=(1, 4, 4), features=16, layers=1, output="softmax")
    model = build(kind, (3, 2, 2), output="categorical", levels=4)
    with pytest.raises(ValueError, match="divide by 255"):
        model.log_prob(torch.full((1, 3, 2, 2), 255.0).double())
    with pytest.raises(ValueError, match="round"):
        model.log_prob(torch.full((1, 3, 2, 2), 0.5).double())
