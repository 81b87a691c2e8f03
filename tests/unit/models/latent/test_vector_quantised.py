"""VQ-VAE: the nearest code by brute force, gradients straight through, the three terms of the loss, codes and back."""

import json

import pytest
import torch
from torch.nn import functional as F

from course_lib import runtime
from course_lib.models.latent.vector_quantised import VectorQuantised, nearest
from course_lib.models.protocols import configuration


def model(**arguments) -> VectorQuantised:
    runtime.seed(0)
    given = {"event_shape": (3, 16, 16), "entries": 5, "scales": (2, 4), "width": 3, "features": 4, **arguments}
    return VectorQuantised(**given).double()


def pictures(n: int = 6) -> torch.Tensor:
    """Blocks of 4 x 4 pixels, so that a map of 4 x 4 symbols can say something of them."""
    return F.interpolate(torch.rand(n, 3, 4, 4, generator=runtime.generator(1), dtype=torch.double), scale_factor=4)


def test_nearest_by_brute_force():
    g = runtime.generator(0)
    points, codebook = torch.randn(4, 3, 7, generator=g), torch.randn(9, 7, generator=g)
    expected = torch.cdist(points.reshape(-1, 7), codebook).argmin(1).reshape(4, 3)
    assert torch.equal(nearest(points, codebook), expected)
    assert nearest(codebook[[3, 3]], codebook).tolist() == [3, 3]
    assert nearest(torch.zeros(1, 2), torch.tensor([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.0]])).item() == 0  # a tie: the first


def test_nearest_where_an_expanded_square_would_cancel():
    """Entries that lie 0.01 apart and 300 from 0: |e|^2 is about 360,000, and float32 keeps only 0.03 of it."""
    g = runtime.generator(0)
    codebook = 300 + 0.01 * torch.randn(9, 4, generator=g)
    points = codebook[torch.arange(9).repeat(50)] + 0.001 * torch.randn(450, 4, generator=g)
    expected = (points.double()[:, None] - codebook.double()).square().sum(-1).argmin(1)
    assert torch.equal(nearest(points, codebook), expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(nearest(points, codebook), expected)
    assert nearest(points[:0], codebook).shape == (0,)
    assert nearest(torch.randn(2, 3, 4).bfloat16(), codebook).shape == (2, 3)


def test_gradients_pass_straight_through():
    """d loss / d maps is what it would be at the quantised vectors, copied."""
    net = model()
    maps = net.encode(pictures()).detach().requires_grad_(True)
    vectors = net.quantise(maps)[1]
    weights = torch.randn(vectors.shape, generator=runtime.generator(2), dtype=torch.double)
    (weights * vectors**2).sum().backward()
    assert torch.allclose(maps.grad, 2 * weights * vectors.detach())
    assert not torch.allclose(vectors, maps)


def test_one_scale_is_the_papers_vq_vae():
    net, x = model(scales=(4,)), pictures()
    maps = net.encode(x)
    symbols, vectors, loss = net.quantise(maps)
    points, book = maps.permute(0, 2, 3, 1).reshape(-1, 3), net.codebooks[0]
    chosen = torch.cdist(points, book).argmin(1)
    assert torch.equal(symbols.flatten(), chosen)
    assert torch.allclose(vectors.permute(0, 2, 3, 1).reshape(-1, 3), book[chosen])
    assert loss.item() == pytest.approx(1.25 * (points - book[chosen]).square().mean().item())


def test_who_is_moved_by_which_term():
    """The codebook term moves entries only, and the commitment moves the encoder only, beta times as much."""
    net, x = model(scales=(4,)), pictures()
    maps = net.encode(x).detach().requires_grad_(True)
    symbols, _, loss = net.quantise(maps)
    loss.backward()
    points, book = maps.detach().permute(0, 2, 3, 1), net.codebooks.detach()[0]
    difference = points - book[symbols.reshape(points.shape[:3])]
    scale = 2 / difference.numel()
    assert torch.allclose(maps.grad.permute(0, 2, 3, 1), 0.25 * scale * difference)
    pulled = torch.zeros_like(book).index_add_(0, symbols.flatten(), -scale * difference.reshape(-1, 3))
    assert torch.allclose(net.codebooks.grad[0], pulled)
    unused = set(range(5)) - set(symbols.flatten().tolist())
    assert all(not net.codebooks.grad[0, k].any() for k in unused)


def test_round_trip_and_coarser_scales():
    net, x = model().eval(), pictures()
    symbols = net.code(x)
    assert symbols.shape == (6, 4 + 16)
    assert symbols.min() >= 0
    assert symbols.max() < 5
    assert torch.allclose(net.paint(symbols), net.reconstruct(x))
    assert net.paint(symbols).shape == x.shape
    other = symbols.clone()
    other[:, 4:] = (other[:, 4:] + 1) % 5
    assert torch.equal(net.paint(other, 1), net.paint(symbols, 1))  # the fine scale is not looked at
    assert not torch.allclose(net.paint(other), net.paint(symbols))


def test_each_scale_quantises_what_is_left():
    net, x = model().eval(), pictures()
    with torch.no_grad():
        maps = net.encode(x)
        coarse, fine = net.code(x).split(net.sizes, 1)
        first = net.codebooks[0, coarse].unflatten(1, (2, 2)).permute(0, 3, 1, 2)
        left = maps - first.repeat_interleave(2, 2).repeat_interleave(2, 3)
        expected = torch.cdist(left.permute(0, 2, 3, 1).reshape(-1, 3), net.codebooks[1]).argmin(1)
        assert torch.equal(fine.flatten(), expected)
        pooled = F.avg_pool2d(maps, 2).permute(0, 2, 3, 1).reshape(-1, 3)
        assert torch.equal(coarse.flatten(), torch.cdist(pooled, net.codebooks[0]).argmin(1))


def test_dropping_fine_scales_while_training():
    net = model(coarse_share=1.0)
    maps = net.encode(pictures())
    vectors = net.quantise(maps, torch.tensor([1, 2, 1, 2, 1, 2]))[1]
    whole = net.quantise(maps)[1]
    assert torch.allclose(vectors[1::2], whole[1::2])
    coarse = vectors[::2]
    assert torch.allclose(coarse, F.interpolate(F.avg_pool2d(coarse, 2), scale_factor=2))  # 2 x 2 blocks
    assert not torch.allclose(coarse, whole[::2])


def test_codebooks_begin_in_the_data_once_the_encoder_has_settled():
    net, x = model(settle=2).train(), pictures()
    before = net.codebooks.detach().clone()
    with torch.no_grad():
        points = F.avg_pool2d(net.encode(x), 2).permute(0, 2, 3, 1).reshape(-1, 3)
        plain = F.mse_loss(net.decoder(net.encode(x)), x).item() / net.noise**2
    for step in range(2):
        net.before_step(x, step)
        assert net.loss(x, generator=runtime.generator(0)).item() == pytest.approx(plain)  # nothing is quantised
    assert torch.equal(net.codebooks, before)
    net.before_step(x, 2)
    begun = net.codebooks.detach().clone()
    assert torch.cdist(begun[0], points).min(1).values.max() < 1e-6  # each entry is a vector of the batch
    assert len(net.code(x)[:, :4].unique()) == 5  # and each is used
    assert net.loss(x, generator=runtime.generator(0)).item() != pytest.approx(plain)
    net.before_step(pictures(3), 3)
    assert torch.equal(net.codebooks, begun)  # they begin once
    assert net.steps.item() == 3


@pytest.mark.parametrize("mode", [True, False])
def test_the_loss_changes_no_state(mode):
    net, x = model(settle=2).train(mode), pictures()
    for step in (0, 1, 2, 3):
        net.before_step(x, step)
        before = {name: value.clone() for name, value in net.state_dict().items()}
        losses = [net.loss(x, generator=runtime.generator(0)).item() for _ in range(3)]
        assert losses[0] == losses[1] == losses[2]
        assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_images_and_losses_are_float32_under_autocast():
    net, x = model().float().eval(), pictures().float()
    symbols = net.code(x)
    with torch.autocast("cpu", torch.bfloat16):
        found = [net.encode(x), net.reconstruct(x), net.paint(symbols), net.loss(x)]
    assert {value.dtype for value in found} == {torch.float32}


def test_symbols_outside_the_codebook_are_refused_and_narrow_integers_are_not_masks():
    net = model().eval()
    symbols = net.code(pictures())
    for bad in (5, -1):
        wrong = symbols.clone()
        wrong[2, 7] = bad
        with pytest.raises(ValueError, match=r"expected 0 … 4"):
            net.paint(wrong)
    for kind in (torch.uint8, torch.int16, torch.int32):
        assert torch.equal(net.paint(symbols.to(kind)), net.paint(symbols))
    with pytest.raises(ValueError, match="expected integers"):
        net.paint(symbols > 2)
    for scales in (0, 3):
        with pytest.raises(ValueError, match="scales"):
            net.paint(symbols, scales)


def test_training_lowers_the_loss_and_reaches_every_parameter():
    net, x = model(noise=0.3, coarse_share=0.0, settle=5).train(), pictures(8)
    adam, losses = torch.optim.Adam(net.parameters(), lr=1e-2), []
    for step in range(150):
        net.before_step(x, step)
        loss = net.loss(x, generator=runtime.generator(0))
        adam.zero_grad()
        loss.backward()
        losses.append(loss.item())
        adam.step()
    assert losses[-1] < 0.9 * losses[5]
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_configuration_round_trip():
    net = model().eval()
    twin = VectorQuantised(**json.loads(json.dumps(configuration(net)))).double().eval()
    twin.load_state_dict(net.state_dict())
    assert torch.equal(twin.reconstruct(pictures()), net.reconstruct(pictures()))


def test_bad_arguments_say_what_was_expected():
    for arguments, words in (
        ({"event_shape": (3, 16, 12)}, "square image"),
        ({"event_shape": (3, 18, 18)}, "square image"),
        ({"scales": (4, 2)}, "end in 4"),
        ({"scales": (2, 8)}, "end in 4"),
        ({"noise": 0.0}, "above 0"),
        ({"noise": float("nan")}, "noise is nan"),
        ({"entries": 0}, "at least 1"),
        ({"scales": ()}, "end in 4"),
        ({"commitment": -1}, "commitment is -1"),
        ({"commitment": float("nan")}, "commitment is nan"),
        ({"settle": -5}, "settle is -5"),
        ({"coarse_share": 1.5}, "coarse_share is 1.5"),
        ({"coarse_share": -0.1}, "coarse_share is -0.1"),
    ):
        with pytest.raises(ValueError, match=words):
            model(**arguments)
    with pytest.raises(ValueError, match="expected integers"):
        model().paint(torch.zeros(1, 7, dtype=torch.long))
    with pytest.raises(ValueError, match="expected"):
        model().code(torch.zeros(1, 3, 8, 8).double())
