"""The explorers of flows, for the sweep over all controls. A row's builder imports what it needs itself."""


def _sheet():
    import torch
    from small_models import seeded

    from course_lib.datasets import toys
    from course_lib.explore.flows.sheet import sheet
    from course_lib.models.flows import CouplingFlow, GaussianisationFlow, PlanarFlow

    x = {"moons": toys.moons(200, generator=torch.Generator().manual_seed(0))[0]}
    with seeded():
        flows = {
            "coupling": {"moons": CouplingFlow(event_shape=(2,), layers=2, hidden=(5,))},
            "planar": {"moons": PlanarFlow(event_shape=(2,), layers=3)},
            "each axis": {"moons": GaussianisationFlow(event_shape=(2,), layers=2, kernels=5, width=0.4).fit(x["moons"])},
        }
    return sheet(flows, x)


def _own_points():
    from course_lib.explore.flows.own_points import own_points

    return own_points()


def _flow():
    from small_models import seeded

    from course_lib.models.flows import Dequantised, RealNVP

    with seeded():
        flow = RealNVP(counts=[3] * 256, widths=(2, 2, 2), couplings=(1, 1, 1))
        return Dequantised(flow=flow).eval().requires_grad_(False)


def _walk():
    from small_models import digits

    from course_lib.explore.flows.digit_codes import walk

    return walk(_flow(), digits())


def _within_a_cell():
    from small_models import digits

    from course_lib.explore.flows.digit_codes import within_a_cell

    return within_a_cell(_flow(), digits())


EXPLORERS = {
    "sheet.sheet": _sheet,
    "own_points.own_points": _own_points,
    "digit_codes.walk": _walk,
    "digit_codes.within_a_cell": _within_a_cell,
}
