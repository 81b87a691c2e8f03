"""The cells written out against torch's own: values, gradients, long sequences, and what the gates report."""

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.nn.recurrent import GRUCell, LSTMCell, RNNCell, from_torch, gradient_by_lag

PAIRS = [(nn.RNN, RNNCell), (nn.LSTM, LSTMCell), (nn.GRU, GRUCell)]
BOTH = pytest.mark.parametrize(("theirs", "ours"), PAIRS, ids=["rnn", "lstm", "gru"])


def pair(theirs, dtype=torch.double, **more):
    runtime.seed(3)
    module = theirs(5, 7, batch_first=True, dtype=dtype, **more)
    return module, from_torch(module)


@BOTH
def test_values_and_the_last_state_are_torchs(theirs, ours):
    module, cell = pair(theirs)
    assert type(cell) is ours
    x = torch.randn(4, 30, 5, dtype=torch.double, generator=runtime.generator(1))
    expected, last = module(x)
    h, state, gates = cell.unroll(x)
    torch.testing.assert_close(h, expected)
    torch.testing.assert_close(
        torch.stack(state if ours is LSTMCell else (state,)), torch.cat(last if ours is LSTMCell else (last,))
    )
    first, half, _ = cell.unroll(x[:, :11])  # a state can be carried on
    torch.testing.assert_close(torch.cat([first, cell.unroll(x[:, 11:], half)[0]], 1), expected)
    assert all(values.shape == (4, 30, 7) for values in gates.values())


@BOTH
def test_gradients_are_torchs(theirs, ours):
    module, cell = pair(theirs)
    generator = runtime.generator(1)
    x, weight = torch.randn(3, 12, 5, dtype=torch.double, generator=generator), torch.randn(3, 12, 7, generator=generator)
    theirs_x, ours_x = x.clone().requires_grad_(), x.clone().requires_grad_()
    (module(theirs_x)[0] * weight).sum().backward()
    (cell.unroll(ours_x)[0] * weight).sum().backward()
    torch.testing.assert_close(ours_x.grad, theirs_x.grad)
    torch.testing.assert_close(cell.input_weight.grad, module.weight_ih_l0.grad)
    torch.testing.assert_close(cell.state_weight.grad, module.weight_hh_l0.grad)
    torch.testing.assert_close(cell.bias.grad, module.bias_ih_l0.grad)
    if ours is GRUCell:
        torch.testing.assert_close(cell.candidate_bias.grad, module.bias_hh_l0.grad[cell.block("candidate")])


def test_upper_layers_too():
    module, lower = pair(nn.LSTM, num_layers=2)
    x = torch.randn(2, 9, 5, dtype=torch.double, generator=runtime.generator(1))
    h = from_torch(module, 1).unroll(lower.unroll(x)[0])[0]
    torch.testing.assert_close(h, module(x)[0])


def test_what_the_lstms_gates_report_is_what_they_did():
    cell = pair(nn.LSTM)[1]
    x = torch.randn(2, 6, 5, dtype=torch.double, generator=runtime.generator(1))
    h, _, g = cell.unroll(x)
    before = torch.cat([torch.zeros_like(g["memory"][:, :1]), g["memory"][:, :-1]], 1)
    torch.testing.assert_close(g["memory"], g["forget"] * before + g["input"] * g["candidate"])
    torch.testing.assert_close(h, g["output"] * g["memory"].tanh())


def test_a_shut_forget_gate_forgets_and_an_open_one_keeps():
    cell = pair(nn.LSTM)[1]
    state = cell.initial_state(1)[0], torch.full((1, 7), 3.0, dtype=torch.double)
    with torch.no_grad():
        for bias, kept in ((-60.0, 0.0), (60.0, 3.0)):
            cell.bias[cell.block("forget")] = bias
            gates = cell(torch.zeros(1, 5, dtype=torch.double), state)[1]
            torch.testing.assert_close(gates["memory"] - gates["input"] * gates["candidate"], torch.full_like(state[1], kept))


def test_a_grus_open_update_gate_keeps_its_state():
    cell = pair(nn.GRU)[1]
    with torch.no_grad():
        cell.bias[cell.block("update")] = 60.0
    h = torch.randn(2, 7, dtype=torch.double, generator=runtime.generator(2))
    torch.testing.assert_close(cell(torch.randn(2, 5, dtype=torch.double), h)[0], h)


@pytest.mark.parametrize(
    "module", [nn.RNN(2, 3, nonlinearity="relu"), nn.GRU(2, 3, bidirectional=True), nn.LSTM(2, 3, bias=False), nn.Linear(2, 3)]
)
def test_other_modules_are_refused(module):
    with pytest.raises(ValueError, match="nothing to take over"):
        from_torch(module)


@pytest.mark.parametrize("theirs", [nn.RNN, nn.LSTM, nn.GRU])
def test_gradient_by_lag_is_the_size_of_the_jacobian(theirs):
    module = pair(theirs)[0]
    row = torch.randn(1, 6, 5, dtype=torch.double, generator=runtime.generator(1))
    jacobian = torch.autograd.functional.jacobian(lambda x: module(x)[0][0, -1], row)[:, 0]  # (H, T, D)
    exact = jacobian.square().sum((0, 2)).sqrt().flip(0)
    found = gradient_by_lag(module, row.expand(20_000, -1, -1), generator=runtime.generator(2))
    torch.testing.assert_close(found, exact, rtol=0.03, atol=0)


def test_the_gradient_of_an_lstms_memory_follows_its_forget_gate():
    module = nn.LSTM(5, 7, batch_first=True, dtype=torch.double)
    with torch.no_grad():
        module.weight_hh_l0.zero_()  # then only the memory carries
        module.weight_ih_l0[7:14] = 0
        module.bias_ih_l0.zero_()
        module.bias_hh_l0.zero_()[7:14] = 2.0
    left = gradient_by_lag(module, torch.zeros(1, 30, 5, dtype=torch.double), generator=runtime.generator(1))
    torch.testing.assert_close(left / left[0], torch.sigmoid(torch.tensor(2.0, dtype=torch.double)) ** torch.arange(30))


@pytest.mark.parametrize("theirs", [nn.RNN, nn.LSTM, nn.GRU])
def test_gradient_by_lag_asks_no_cudnn_for_a_backward_pass_in_evaluation_mode(theirs, device):
    module = pair(theirs)[0].to(device).eval()
    seen = []
    module.register_forward_hook(lambda *_: seen.append(torch.backends.cudnn.enabled))
    x = torch.randn(3, 6, 5, dtype=torch.double, generator=runtime.generator(1)).to(device)
    before = torch.backends.cudnn.enabled
    left = gradient_by_lag(module, x, generator=runtime.generator(2, device))
    assert seen == [False]
    assert torch.backends.cudnn.enabled == before
    assert left.shape == (6,)


def test_bad_cells_and_sequences_are_explained():
    with pytest.raises(ValueError, match="hidden is 0"):
        LSTMCell(inputs=2, hidden=0)
    cell = GRUCell(inputs=2, hidden=3)
    with pytest.raises(ValueError, match="gate is 'forget'; expected one of reset"):
        cell.block("forget")
    for x in (torch.zeros(4, 2), torch.zeros(4, 0, 2), torch.zeros(4, 5, 3)):
        with pytest.raises(ValueError, match=r"expected \(B, T, 2\)"):
            cell.unroll(x)
