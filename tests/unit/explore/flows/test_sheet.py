"""What the sheet writes below its picture: areas, determinants and densities, against a flow that is known."""

import math

import pytest
import torch

from course_lib import runtime
from course_lib.explore.flows import digit_codes, own_points, sheet
from course_lib.models.flows import CouplingFlow, Dequantised, GaussianisationFlow, PlanarFlow, RealNVP


def flow(kind):
    runtime.seed(0)
    made = {"coupling": CouplingFlow, "planar": PlanarFlow}[kind](event_shape=(2,), layers=5)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=runtime.generator(1)))
    return made.double()


@pytest.mark.parametrize("kind", ["coupling", "planar"])
@pytest.mark.parametrize("backwards", [False, True])
def test_area_determinant_and_density_agree_with_the_flow(kind, backwards):
    made, place = flow(kind), torch.tensor([0.4, -0.7], dtype=torch.double)
    parts = sheet.cut(made, backwards)
    assert len(parts) == sheet.STEPS
    there, columns, log_abs_det = sheet.after(parts, place)
    assert torch.linalg.det(columns).abs().item() == pytest.approx(log_abs_det.exp().item(), rel=1e-6)
    theirs = made.to_data if backwards else made.to_latent
    torch.testing.assert_close(there, theirs(place[None])[0][0].detach(), rtol=0, atol=1e-9)
    data = there if backwards else place
    middle, _, so_far = sheet.after(parts[:3], place)
    density = sheet.density_of(parts[3:], place, middle, so_far, backwards)
    assert density == pytest.approx(made.log_prob(data[None]).exp().item(), rel=1e-6)


def test_a_click_is_the_middle_of_its_cell():
    assert sheet.place_of((0, 0)).tolist() == pytest.approx([-sheet.REACH * (1 - 1 / 84), sheet.REACH * (1 - 1 / 84)])


def test_points_lie_in_the_painted_cells():
    cells = own_points.two_strokes()
    x = own_points.points_of(cells)
    column, row = ((x + 1) / 2 * own_points.CELLS).floor().long().unbind(1)
    assert cells[own_points.CELLS - 1 - row.numpy(), column.numpy()].all()
    flow = GaussianisationFlow(event_shape=(2,), layers=8, kernels=16, width=0.2).fit(x)
    assert flow.log_prob(x).mean() > -math.log(4) + 0.5, "twice as good as the uniform density on the square, at least"


def flow_of_digits():
    runtime.seed(0)
    made = Dequantised(flow=RealNVP(counts=[3] * 256, widths=(2, 2, 2), couplings=(1, 1, 1)))
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=runtime.generator(1)))
    return made.eval()


def test_log_p_over_a_cell_changes_one_pixel_within_its_level():
    model, x = flow_of_digits(), torch.full((1, 1, 28, 28), 7 / 255)
    y, _ = model.infer(x, generator=runtime.generator(3))
    found = digit_codes.over_the_cell(model, x, 30, runtime.generator(3))
    y.flatten()[30] = (7 + 4.5 / digit_codes.PLACES) / 256
    assert found[4].item() == pytest.approx(model.flow.log_prob(y).item(), abs=1e-3)
    assert found.std() > 0


def test_the_loss_is_that_of_a_uniform_noise():
    slope = torch.tensor([[0.0], [0.5], [-3.0], [40.0]]).double()
    places = (torch.arange(200_000).double() + 0.5) / 200_000
    half = slope[1:, 0].abs() / 2
    exact = [0.0, *(torch.log(torch.sinh(half) / half)).tolist()]  # of log p = slope times the place
    assert digit_codes.lost(slope * places).tolist() == pytest.approx(exact, abs=1e-6)
