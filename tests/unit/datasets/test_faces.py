"""The faces obey their factors, each of them its own, and are drawn without jagged edges at every size."""

import time

import pytest
import torch
from torch.nn import functional as F

from course_lib import datasets, runtime
from course_lib.datasets import faces


def some(n=64, seed=0):
    return faces.sample_factors(n, runtime.generator(seed))


def changed(size=64, steps=9, **moved):
    """Which pixels (size, size) change as one factor goes over its range, the others given."""
    rest = {name: value for name, value in moved.items() if value is not ...}
    (name,) = (name for name, value in moved.items() if value is ...)
    rows = [faces.given(**rest, **{name: v}) for v in torch.linspace(*faces.RANGES[name], steps).tolist()]
    x = faces.draw(torch.cat(rows), size)
    return (x.amax(0) - x.amin(0)).amax(0) > 1e-3


def box(mask):
    """Rows and columns of the smallest box around a mask, in [0, 1]: top, bottom, left, right."""
    rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
    size = mask.shape[0]
    return [float(v) / size for v in (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1)]


@pytest.mark.parametrize("size", faces.SIZES)
def test_shape_range_and_determinism(size):
    x = faces.draw(some(), size)
    assert x.shape == (64, 3, size, size)
    assert x.min() >= 0
    assert x.max() <= 1
    assert torch.equal(x, faces.draw(some(), size))
    assert x.std(0).mean() > 0.05  # they differ


def test_a_face_does_not_depend_on_its_company():
    x = faces.draw(some(200), 64)  # more than one block
    for i in (0, 63, 199):
        torch.testing.assert_close(x[i : i + 1], faces.draw(some(200)[i : i + 1], 64))


def test_smile_moves_the_mouth_only():
    top, bottom, left, right = box(changed(smile=...))
    assert 0.55 < top < bottom < 0.85
    assert 0.3 < left < right < 0.7
    for eye_opening in (0.0, 1.0):
        assert box(changed(smile=..., eye_opening=eye_opening)) == [top, bottom, left, right]


def test_eye_opening_moves_the_two_eyes_only():
    mask = changed(eye_opening=...)
    top, bottom, _, _ = box(mask)
    assert 0.35 < top < bottom < 0.6
    assert mask[:, :32].any()
    assert mask[:, 32:].any()
    assert not mask[:, 31:33].any()
    assert not (mask & changed(smile=...)).any()


def test_skin_tone_leaves_hair_shirt_background_and_mouth_alone():
    mask = changed(skin_tone=..., smile=1.0)
    assert mask[40, 32]  # nose to mouth
    assert not mask[:2].any()  # background
    assert not mask[8, 32]  # hair
    assert not mask[62, 12]  # shirt
    tones = faces.draw(torch.cat([faces.given(skin_tone=t) for t in (0.0, 0.25, 0.5, 0.75, 1.0)]), 64)
    brightness = tones[:, :, 36, 32].mean(1)
    assert (brightness.diff() < -0.05).all()  # a ramp from light to dark


def test_tilt_turns_the_head_and_not_the_shoulders():
    mask = changed(tilt=...)
    assert mask[20:40, 15:50].any()
    assert not mask[61:].any()
    straight = faces.draw(faces.given(tilt=0.0), 64)
    left, right = (faces.draw(faces.given(tilt=t), 64) for t in (-0.4, 0.4))
    assert (straight - left).abs().max() > 0.2
    assert (left - right).abs().max() > 0.2


@pytest.mark.parametrize(("name", "axis"), [("x", -1), ("y", -2)])
def test_position_shifts_the_whole_figure(name, axis):
    pixels = 4  # of 64, each 2 / 64 wide
    x = faces.draw(torch.cat([faces.given(), faces.given(**{name: pixels * 2 / 64})]), 64)
    centre = x[:, :, 12:50, 16:48]
    moved = x[1:].roll(-pixels, axis)[:, :, 12:50, 16:48]
    torch.testing.assert_close(centre[:1], moved, atol=1e-4, rtol=0)


@pytest.mark.parametrize("size", faces.SIZES)
def test_anti_aliasing_is_close_to_a_supersampled_picture(size, monkeypatch):
    factors = some(32, seed=1)
    monkeypatch.setattr(faces, "SIZES", (512,))
    reference = F.avg_pool2d(faces.draw(factors, 512), 512 // size)
    monkeypatch.undo()
    drawn = faces.draw(factors, size)
    hard = faces.draw(factors, 64)[:, :, :: 64 // size, :: 64 // size] if size < 64 else None
    error = (drawn - reference).abs().mean()
    assert error < {16: 0.025, 32: 0.013, 64: 0.008}[size]
    if hard is not None:
        assert error < 0.5 * (hard - reference).abs().mean()


def test_the_picture_is_smooth_in_its_factors():
    factors = some(4, seed=2).double().mul(0.9).requires_grad_()
    weight = torch.rand(4, 3, 16, 16, dtype=torch.float64, generator=runtime.generator(0))
    (slope,) = torch.autograd.grad((faces.draw(factors, 16) * weight).sum(), factors)
    assert (slope.abs().sum(0) > 0).all()
    step = 1e-6
    for place in range(len(faces.FACTORS)):
        nudge = torch.zeros_like(factors)
        nudge[:, place] = step
        high, low = (faces.draw(factors.detach() + s * nudge, 16) for s in (1, -1))
        numeric = ((high - low) * weight).sum((1, 2, 3)) / (2 * step)
        torch.testing.assert_close(slope[:, place], numeric, rtol=1e-4, atol=1e-4)


def test_sampled_factors_are_uniform_and_independent():
    n = 20_000
    factors = some(n)
    low, high = torch.tensor(list(faces.RANGES.values())).unbind(1)
    unit = (factors - low) / (high - low)
    assert unit.min() >= 0
    assert unit.max() <= 1
    assert (unit.mean(0) - 0.5).abs().max() < 5 * (1 / 12 / n) ** 0.5
    off = torch.corrcoef(unit.T) - torch.eye(len(faces.FACTORS))
    assert off.abs().max() < 5 / n**0.5
    assert torch.equal(factors, some(n))
    assert not torch.equal(factors, some(n, seed=1))


def test_load_gives_faces_and_their_factors():
    test = datasets.load("faces", "test", size=16)
    assert test.x.shape == (1000, 3, 16, 16)
    assert test.y.shape == (1000, len(faces.FACTORS))
    assert torch.equal(test.x, faces.draw(test.y, 16))
    x, y = datasets.load("faces", "validation")
    assert x.shape == (1000, 3, 32, 32)
    assert not torch.equal(y, test.y)
    with pytest.raises(ValueError, match="one size"):
        datasets.load("ring", size=16)


def test_a_thousand_faces_take_about_a_second():
    factors = some(1000)
    began = time.perf_counter()
    faces.draw(factors, 32)
    assert time.perf_counter() - began < 4  # 0.25 s on one core; a loaded machine is slower


@pytest.mark.parametrize(
    ("factors", "size", "said"),
    [
        (faces.given(), 48, "size is 48"),
        (faces.given()[0], 32, "add the batch axis"),
        (torch.zeros(2, 5), 32, "expected \\(B, 6\\)"),
        (torch.zeros(0, 6), 32, "expected \\(B, 6\\)"),
        (torch.zeros(2, 6).long(), 32, "float tensor"),
        ([0.0] * 6, 32, "float tensor"),
        (faces.given(smile=1.5), 32, "smile of face 0 is 1.5"),
        (faces.given(y=float("nan")), 32, "y of face 0 is nan"),
    ],
)
def test_bad_factors_say_what_came_and_what_was_expected(factors, size, said):
    with pytest.raises(ValueError, match=said):
        faces.draw(factors, size)


def test_bad_names_and_counts():
    with pytest.raises(ValueError, match="no factor"):
        faces.given(grin=1.0)
    with pytest.raises(ValueError, match="at least 1"):
        faces.sample_factors(0)
