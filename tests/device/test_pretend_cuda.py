"""The pretended device compared with what is known of CUDA: what it refuses, accepts and counts; its numbers are the CPU's."""

import copy

import pretend_cuda
import pytest
import torch
from torch import nn
from torch.nn import functional as F

if not getattr(torch.cuda, "_pretended", False):
    pytest.skip(pretend_cuda.missing() or "this machine has a real CUDA device", allow_module_level=True)

ON = torch.device("cuda", 0)
x, one, at = (t.to(ON) for t in (torch.arange(12.0).view(3, 4), torch.ones(3, 4), torch.tensor([2, 0])))
CPU = torch.ones(3, 4)


@pytest.fixture(params=["exact", "TF32"])
def told(request, monkeypatch):
    """Convolutions in all of float32's digits, and rounded to TF32."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", request.param == "TF32")
    return request.param


@pytest.fixture
def exact(monkeypatch):
    """Convolutions in all of float32's digits."""
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)


def test_it_looks_like_cuda():
    assert torch.cuda.is_available()
    assert x.is_cuda
    assert x.device == ON != torch.device("cuda")  # tensors know their number, as on the real one
    assert torch.Generator(device="cuda").device == ON
    assert torch.zeros(2, device="cuda").cpu().device.type == "cpu"
    with torch.cuda.device("cuda"):
        assert torch.cuda.is_bf16_supported(including_emulation=False)


@pytest.mark.parametrize(
    "mixed",
    [
        lambda: x + CPU, lambda: x @ CPU.T, lambda: torch.cat([x, CPU]), lambda: torch.where(x > 0, x, CPU), lambda: CPU[at],
        lambda: x.gather(1, torch.zeros(3, 1, dtype=torch.long)), lambda: F.linear(x, CPU), lambda: torch.equal(x, CPU),
        lambda: F.embedding(torch.zeros(2, dtype=torch.long), x), lambda: x.lerp(CPU, 0.5), lambda: x.mm(torch.tensor(2.0)),
        lambda: torch.randn(3, device=ON, generator=torch.Generator()), lambda: torch.randn(3, generator=torch.Generator("cuda")),
        lambda: torch.Generator().set_state(torch.Generator("cuda").get_state()),
        lambda: torch.Generator("cuda").set_state(torch.Generator().get_state()), lambda: x.to("cuda:7"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_raises(mixed):
    with pytest.raises(RuntimeError):
        mixed()


@pytest.mark.parametrize(
    ("may", "like"),
    [
        (lambda t: t + torch.tensor(2.0), None), (lambda t: torch.where(t > 3, t, torch.tensor(0.0)), None),
        (lambda t: t[torch.tensor([2, 0])], None), (lambda t: t[:, [1, 3]], None), (lambda t: t[t.cpu() > 4], None),
        (lambda t: t.clone().copy_(CPU), None), (lambda t: t.clone().masked_fill_(t > 3, torch.tensor(9.0)), None),
    ],
)  # fmt: skip
def test_what_cuda_lets_in_is_let_in(may, like):
    assert torch.equal(may(x).cpu(), may(x.cpu()))


def test_no_numpy_and_no_whole_number_products():
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        x.numpy()
    with pytest.raises(TypeError):
        torch.asarray(x).__array__()
    with pytest.raises(NotImplementedError, match="Long"):
        x.long() @ x.long().T


def test_random_numbers_come_from_the_devices_own_generators():
    before, state = torch.get_rng_state(), torch.cuda.get_rng_state()
    assert state.shape == (16,)
    first, second = torch.rand(2, 5, device=ON)
    nn.Dropout()(first)
    assert not torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state()), "the CPU's generator was drawn from"
    torch.cuda.set_rng_state(state)
    assert torch.equal(torch.rand(2, 5, device=ON)[0], first)
    draws = [torch.randn(4, device=ON, generator=torch.Generator("cuda").manual_seed(s)) for s in (3, 3, 4)]
    assert torch.equal(draws[0], draws[1])
    assert not torch.equal(draws[0], draws[2])


def test_views_share_memory_and_writes_go_through():
    t = x.clone()
    t[1:, ::2].mul_(-1).T.add_(1)
    expected = x.cpu()
    expected[1:, ::2].mul_(-1).T.add_(1)
    assert torch.equal(t.cpu(), expected)
    assert t.unfold(1, 2, 1)._base is t
    assert torch.equal(copy.deepcopy(t).cpu(), expected)


@pytest.mark.parametrize("kind", ["linear", "convolution", "lstm", "gru", "attention"])
@pytest.mark.usefixtures("exact")
def test_gradients_are_those_of_the_cpu(kind):
    torch.manual_seed(0)
    made = {
        "linear": lambda: nn.Sequential(nn.Linear(8, 5), nn.LayerNorm(5), nn.GELU(), nn.Linear(5, 3)),
        "convolution": lambda: nn.Sequential(nn.Unflatten(1, (1, 8)), nn.Conv1d(1, 4, 3, groups=1), nn.Conv1d(4, 4, 3, groups=4)),
        "lstm": lambda: nn.LSTM(8, 5, 2, batch_first=True), "gru": lambda: nn.GRU(8, 5, batch_first=True),
        "attention": lambda: nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True),
    }[kind]()  # fmt: skip
    data = torch.randn(6, 7, 8) if kind in ("lstm", "gru", "attention") else torch.randn(6, 8)
    grads = []
    for device in ("cpu", "cuda"):
        twin = copy.deepcopy(made).to(device)
        out = twin(data.to(device))
        (out[0] if isinstance(out, tuple) else out).square().sum().backward()
        grads.append([p.grad.cpu() for p in twin.parameters()])
        for fused in (True, False):
            torch.optim.AdamW(twin.parameters(), fused=fused).step()
        assert all(torch.isfinite(p).all() for p in twin.parameters())
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_autocast_has_cudas_lists():
    with torch.autocast("cuda", torch.bfloat16):
        y = x @ x.T
        assert y.dtype == torch.bfloat16
        assert y.exp().dtype == y.softmax(1).dtype == y.cumsum(1).dtype == torch.float32  # not so on the CPU
        with pytest.raises(RuntimeError, match="unsafe to autocast"):
            F.binary_cross_entropy(y.sigmoid(), torch.ones_like(y))


def test_convolutions_are_rounded_as_on_ampere_unless_told_not_to(told):
    image, kernel = torch.randn(1, 3, 8, 8), torch.randn(4, 3, 3, 3)
    off = (F.conv2d(image.cuda(), kernel.cuda()).cpu() - F.conv2d(image, kernel)).abs().max()
    assert off < 1e-5 if told == "exact" else 1e-4 < off < 1e-1


def test_cudnn_takes_contiguous_states_only():
    gru, states = nn.GRU(3, 4, batch_first=True).cuda(), torch.randn(2, 8, device=ON)[:, :4]
    with pytest.raises(RuntimeError, match="not contiguous"):
        gru(torch.randn(2, 1, 3, device=ON), states[None])
    gru(torch.randn(2, 1, 3, device=ON), states[None].contiguous())


def test_cudnn_keeps_nothing_for_backward_in_eval_mode():
    lstm = nn.LSTM(3, 4).cuda().eval()
    with pytest.raises(RuntimeError, match="training mode"):
        lstm(torch.randn(2, 1, 3, device=ON))[0].sum().backward()
    with torch.no_grad():
        lstm(torch.randn(2, 1, 3, device=ON))


def test_waits_copies_and_kernels_are_counted_by_line():
    pretend_cuda.reset()
    with pretend_cuda.watch(__file__) as seen:
        y = x + 1
        y.sum().item()
        y[:, [0, 1]].tolist()
    assert sum(seen.waits.values()) == 2
    assert sum(seen.copies.values()) == 1
    assert all("test_pretend_cuda.py" in line for line in seen.waits)
    assert pretend_cuda.summary()["kernels"] >= 3


def test_it_can_be_hidden():
    with pretend_cuda.hidden():
        assert not torch.cuda.is_available()
        assert torch.cuda.get_rng_state_all() == []
    assert torch.cuda.is_available()
