"""Every invertible layer: round trip, determinant against slogdet of autograd's Jacobian, and what each of them promises."""

import math

import pytest
import torch
from torch import nn

from course_lib import runtime
from course_lib.nn.axes import AxisGaussian, Rotation
from course_lib.nn.coupling import ChannelCoupling, CheckerboardCoupling, CouplingConvolutions, coupling_network
from course_lib.nn.histogram import HistogramGaussian
from course_lib.nn.invertible import Chain, ChannelAffine, Inverse, Logit, OnChannels, Reorder, Squeeze
from course_lib.nn.planar import Planar
from course_lib.nn.roots import increasing_root

COUNTS = [50, 3, 0, 7, 20, 1, 1, 18]


def fitted():
    layer = AxisGaussian(2, kernels=9).double()
    layer.fit(torch.randn(200, 2, generator=runtime.generator(3)).double() * torch.tensor([1.0, 3.0]))
    return layer


def turned():
    layer = Rotation(2).double()
    layer.matrix.copy_(torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.double))
    return layer


def image_coupling(channels, kept):
    changed = channels - len(kept)
    return ChannelCoupling(CouplingConvolutions(len(kept), 5, 2 * changed, (2, 2)), channels=channels, kept=kept)


LAYERS = {
    "affine": (lambda: ChannelAffine(3), (3, 2)),
    "vector-affine": (lambda: ChannelAffine(4), (4,)),
    "logit": (lambda: Logit(0.05), (2, 3)),
    "logit-whole": (lambda: Logit(0.0), (5,)),
    "histogram": (lambda: HistogramGaussian(COUNTS), (1, 2, 3)),
    "histogram-black": (lambda: HistogramGaussian(COUNTS, [0, 7, 9, 2], 10), (1, 2, 2)),
    "squeeze": (Squeeze, (1, 4, 2)),
    "reorder": (lambda: Reorder([2, 0, 1]), (3, 2)),
    "coupling": (lambda: ChannelCoupling(coupling_network(1, (7,), 2), channels=2, kept=[1]), (2,)),
    "coupling-uneven": (lambda: ChannelCoupling(coupling_network(3, (7,), 4), channels=5, kept=[0, 2, 4]), (5,)),
    "coupling-image": (lambda: image_coupling(4, [0, 3]), (4, 2, 2)),
    "checkerboard": (lambda: CheckerboardCoupling(CouplingConvolutions(1, 4, 2, (4, 2)), parity=1), (1, 4, 2)),
    "checkerboard-two-channels": (lambda: CheckerboardCoupling(CouplingConvolutions(2, 4, 4), parity=0), (2, 2, 3)),
    "on-channels": (lambda: OnChannels(image_coupling(2, [0]), 2), (3, 2, 2)),
    "inverse": (lambda: Inverse(Logit(0.0)), (3,)),
    "planar": (lambda: Planar(2), (2,)),
    "planar-three": (lambda: Planar(3), (3,)),
    "axes": (fitted, (2,)),
    "rotation": (turned, (2,)),
    "chain": (lambda: Chain([Squeeze(), image_coupling(4, [0, 1]), ChannelAffine(4), Inverse(Squeeze())]), (1, 4, 4)),
}


def build(name):
    """The layer in float64 with weights far from their start, and five events in (0, 1) for it."""
    runtime.seed(0)
    make, shape = LAYERS[name]
    layer = make().double()
    generator = runtime.generator(1)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.add_(0.5 * torch.randn(parameter.shape, generator=generator))
    return layer, torch.rand(5, *shape, generator=runtime.generator(2), dtype=torch.double) * 0.98 + 0.01


@pytest.mark.parametrize("name", LAYERS)
def test_the_inverse_undoes_the_layer_and_the_two_logarithms_sum_to_0(name):
    layer, x = build(name)
    z, forward = layer(x)
    back, backward = layer.inverse(z)
    assert forward.shape == backward.shape == (5,)
    torch.testing.assert_close(back, x, rtol=0, atol=1e-9)
    torch.testing.assert_close(backward, -forward, rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", LAYERS)
def test_log_abs_det_is_slogdet_of_the_jacobian_both_ways(name):
    layer, x = build(name)
    z, forward = layer(x)
    size = x[0].numel()
    for function, at, found in ((layer.forward, x, forward), (layer.inverse, z.detach(), -forward)):
        for row, value in zip(at, found, strict=True):
            jacobian = torch.autograd.functional.jacobian(lambda v, f=function: f(v[None])[0][0], row).reshape(size, size)
            torch.testing.assert_close(torch.linalg.slogdet(jacobian).logabsdet, value, rtol=0, atol=1e-7)


@pytest.mark.parametrize("name", LAYERS)
def test_no_batch_and_float32_are_served_and_rows_know_nothing_of_each_other(name):
    layer, x = build(name)
    assert layer(x[:0])[1].shape == (0,)
    torch.testing.assert_close(layer(x[2:3])[0], layer(x)[0][2:3])
    single = layer.float()
    z, log_abs_det = single(x.float())
    assert z.dtype == log_abs_det.dtype == torch.float32
    assert single.inverse(z)[0].dtype == torch.float32
    torch.testing.assert_close(single.inverse(z)[0], x.float(), rtol=0, atol=1e-4)


def test_the_kept_part_stays_and_the_changed_part_depends_on_it_alone():
    layer, x = build("coupling-uneven")
    other = x.clone()
    other[:, 1] += 0.3
    z, moved = layer(x)[0], layer(other)[0]
    assert torch.equal(z[:, [0, 2, 4]], x[:, [0, 2, 4]])
    assert torch.equal(z[:, [0, 2, 3, 4]], moved[:, [0, 2, 3, 4]]), "a changed coordinate moves itself alone"
    other = x.clone()
    other[:, 2] += 0.3
    assert (layer(other)[0] != z)[:, [1, 3]].all(), "both changed coordinates read the kept ones"


def test_a_checkerboard_keeps_every_second_square_of_each_channel():
    layer, x = build("checkerboard-two-channels")
    same = layer(x)[0] == x
    even = torch.tensor([[True, False, True], [False, True, False]])
    assert torch.equal(same, even.expand(5, 2, 2, 3))
    with pytest.raises(ValueError, match="parity is 2"):
        CheckerboardCoupling(nn.Identity(), parity=2)


def test_couplings_begin_as_the_identity():
    x = torch.randn(3, 4, 2, 2)
    z, log_abs_det = image_coupling(4, [0, 1])(x)
    assert torch.equal(z, x)
    assert not log_abs_det.any()
    assert torch.equal(ChannelAffine(4)(x)[0], x)


@pytest.mark.parametrize(("channels", "kept"), [(4, []), (4, [0, 1, 2, 3]), (2, [3])])
def test_a_coupling_must_keep_some_channels_and_change_others(channels, kept):
    with pytest.raises(ValueError, match="but not all"):
        ChannelCoupling(nn.Identity(), channels=channels, kept=kept)


def test_squeeze_makes_channels_of_the_four_pixels_of_each_square():
    x = torch.arange(16.0).view(1, 1, 4, 4)
    assert Squeeze()(x)[0][0, :, 0, 1].tolist() == [2, 3, 6, 7]


def test_the_finished_channels_stay_as_they_are():
    layer, x = build("on-channels")
    assert torch.equal(layer(x)[0][:, 2], x[:, 2])


def test_a_wrong_order_and_a_wrong_alpha_are_refused():
    with pytest.raises(ValueError, match="each of 0 … 2 once"):
        Reorder([0, 0, 2])
    with pytest.raises(ValueError, match=r"alpha is 0\.5"):
        Logit(0.5)


def test_a_planar_layer_can_be_undone_whatever_its_numbers_are():
    """w·u stays above -1 even for a v that points against w: the condition of Rezende & Mohamed (2015), appendix A.1."""
    layer = Planar(2).double()
    with torch.no_grad():
        layer.w.copy_(torch.tensor([2.0, 1.0]))
        layer.v.copy_(torch.tensor([-9.0, -4.0]))
    assert -1 < (layer.w @ layer.direction()).item() < -0.999
    x = torch.randn(50, 2, generator=runtime.generator(0)).double()
    torch.testing.assert_close(layer.inverse(layer(x)[0])[0], x, rtol=0, atol=1e-6)


def test_the_histogram_layer_has_exactly_the_density_of_the_histogram():
    layer, y = HistogramGaussian(COUNTS), torch.linspace(0.001, 0.999, 97, dtype=torch.double)[:, None]
    z, log_slope = layer(y)
    density = (-0.5 * z.square() - 0.5 * math.log(2 * math.pi))[:, 0] + log_slope
    masses = (torch.tensor(COUNTS) + 1).double() / (sum(COUNTS) + 8)
    torch.testing.assert_close(density.exp(), 8 * masses[(8 * y[:, 0]).long()])
    assert (z[1:] > z[:-1]).all()


def test_each_pixel_has_its_own_mass_of_black_and_shares_the_other_levels():
    layer = HistogramGaussian(COUNTS, [0, 8, 10], 10)
    y = ((torch.arange(8.0) + 0.3) / 8).double()[:, None].expand(8, 3)
    z, _ = layer(y)
    slope = torch.autograd.functional.jacobian(lambda v: layer(v)[0].sum(0), y.clone()).diagonal(dim1=0, dim2=2)  # (8, 3)
    masses = (slope.log() - 0.5 * z.square() - 0.5 * math.log(2 * math.pi)).exp() / 8
    torch.testing.assert_close(masses[0], torch.tensor([1 / 12, 9 / 12, 11 / 12]).double())
    torch.testing.assert_close(masses.sum(0), torch.ones(3).double())
    pooled = (torch.tensor(COUNTS) + 1).double()
    torch.testing.assert_close(masses[1:, 1] / masses[1, 1], pooled[1:] / pooled[1])
    with pytest.raises(ValueError, match="up to 8 of 3 images"):
        HistogramGaussian(COUNTS, [8], 3)


def test_a_histogram_of_no_levels_is_refused():
    for counts in ([], [3], [2, -1]):
        with pytest.raises(ValueError, match="expected 2 or more"):
            HistogramGaussian(counts)


def test_an_axis_reaches_far_into_both_tails():
    layer = fitted()
    x = torch.tensor([[-30.0, -60.0], [30.0, 60.0]], dtype=torch.double)
    z, log_slope = layer(x)
    assert z.isfinite().all()
    assert log_slope.isfinite().all()
    torch.testing.assert_close(layer.inverse(z)[0], x, rtol=1e-6, atol=0)


def test_a_root_has_the_gradient_of_the_implicit_function():
    target = torch.tensor([0.5, 8.0, -27.0], dtype=torch.double, requires_grad=True)
    root = increasing_root(lambda a: (a**3, 3 * a**2), target, torch.full((3,), -10.0).double(), torch.full((3,), 10.0).double())
    torch.testing.assert_close(root**3, target)
    (slope,) = torch.autograd.grad(root.sum(), target)
    torch.testing.assert_close(slope, 1 / (3 * root.detach() ** 2))


@pytest.mark.parametrize(
    "data",
    [torch.zeros(4, 3), torch.ones(1, 3), torch.ones(2, 3), torch.tensor([[1.0, 5.0, -1.0], [2.0, 5.0, 0.5], [0.0, 5.0, 3.0]])],
    ids=["zeros", "one example", "two equal examples", "a constant column"],
)
def test_channels_of_equal_values_leave_the_density_finite(data):
    layer, started = ChannelAffine(3), []
    optimiser = torch.optim.Adam(layer.parameters(), 0.5)
    for _ in range(300):
        z, log_abs_det = layer(data)
        loss = (z.square().sum(1) / 2 - log_abs_det).mean()
        started.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    z, log_abs_det = layer(data)
    assert z.isfinite().all()
    assert log_abs_det.isfinite().all()
    assert all(math.isfinite(one) for one in started)
    assert log_abs_det.max() <= 3 * 10.0, "the floor of a channel's standard deviation bounds the density"
    assert torch.allclose(layer.inverse(z)[0], data, atol=1e-3)
