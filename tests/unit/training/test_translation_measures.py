"""The measures of translators, on translators whose answers are known: perfect ones, lazy ones, and ones that send no message."""

from types import SimpleNamespace

import pytest
import torch

from course_lib import runtime
from course_lib.datasets import close_ups, unpaired
from course_lib.training import translation_measures as measures
from course_lib.training.films import Film
from course_lib.training.recipes import cycle


class Known:
    """A translator by a table: examples of a set, in order, become the given ones of the other set."""

    def __init__(self, to_a, to_b):
        self.by = {"a": to_a, "b": to_b}

    def translate(self, x, *, to):
        return self.by[to](x)

    def there_and_back(self, x, *, to):
        there = self.translate(x, to=to)
        return there, self.translate(there, to="a" if to == "b" else "b")


def recipe(source):
    return SimpleNamespace(measured="test", measured_data=lambda: source("test"))


def test_a_perfect_translator_of_faces_keeps_what_the_reader_can_read():
    frowning, laughing = (close_ups.draw(unpaired.partner(f)) for f in unpaired.face_factors("test"))
    model = Known(lambda x: laughing, lambda x: frowning)
    found = measures.partners(model, recipe(unpaired.faces), "full")
    for name in ("laugh", "frown"):
        assert found[f"test_{name}_partner_grey_levels"] == 0
        for factor in measures.KEPT:
            assert found[f"test_{name}_r2_{factor}"] > 0.98
        assert found[f"test_{name}_smile_correlation"] < -0.9  # the strength is kept, the sign turned
    assert 0.5 < found["test_laugh_smile"] < 1
    assert -1 < found["test_frown_smile"] < -0.5


def test_a_lazy_translator_of_faces_keeps_all_and_makes_no_one_laugh():
    model = Known(lambda x: x, lambda x: x)
    found = measures.partners(model, recipe(unpaired.faces), "full")
    assert found["test_laugh_cycle_grey_levels"] == 0
    assert found["test_laugh_smile"] < -0.5
    assert found["test_laugh_partner_grey_levels"] > 1


def test_target_class_of_a_lazy_translator_and_of_one_that_returns_real_shoes():
    data, measure = unpaired.shoes("test"), measures.TargetClass("features-fashion", (7, 9), ("sneaker", "boot"))
    lazy = measure(Known(lambda x: x, lambda x: x), recipe(unpaired.shoes), "full")
    assert lazy["test_boot_percent"] < 10
    assert lazy["test_sneaker_cycle_grey_levels"] == 0
    perfect = measure(Known(lambda x: data.a, lambda x: data.b), recipe(unpaired.shoes), "full")
    for name in ("sneaker", "boot"):
        assert perfect[f"test_{name}_percent"] == perfect[f"test_real_{name}_percent"] > 90


def test_a_sketch_by_the_true_rule_tells_no_skin_tone_and_one_that_carries_it_loses_it_to_noise():
    factors = unpaired.sketch_factors("test")[0]
    true, coloured = unpaired.sketch(factors), unpaired.sketches("test").a
    honest = measures.smuggled(Known(lambda x: coloured.roll(1, 0), lambda x: true), recipe(unpaired.sketches), "full")
    assert honest["sketch_grey_levels"] == 0
    assert honest["test_tone_r2_as_it_is"] < 0

    def hide(x):  # the tone, 0 to 1, as up to three grey levels on the paper
        return (true - (1 + 3 * factors[:, 3])[:, None, None, None] / 255).clamp(0, 1)

    def find(sketch):
        read = factors.clone()
        corner = sketch.flatten(1).amax(1)  # white paper is nowhere lighter
        read[:, 3] = ((255 * (1 - corner) - 1) / 3).clamp(0, 1)
        return close_ups.draw(read)

    sly = measures.smuggled(Known(find, hide), recipe(unpaired.sketches), "full")
    assert sly["test_tone_r2_as_it_is"] > 0.95
    assert sly["sketch_grey_levels"] < 4
    assert sly["test_tone_r2_16_levels"] < 0.2
    assert sly["test_tone_r2_noise_2"] < 0.5


def test_pairings_of_translators_of_which_one_is_broken():
    a, b = torch.tensor(cycle.SQUARE), torch.tensor(cycle.DIAMOND)

    def to_b(x):  # rows alternate between two translators: one that is right, one that sends all to one point
        right = b[torch.cdist(x, a).argmin(1)]
        right[1::2] = b[0]
        return right

    measure = measures.Pairings(cycle.SQUARE, cycle.DIAMOND, copies=2)
    found = measure(Known(lambda x: a[torch.cdist(x, b).argmin(1)], to_b), recipe(cycle.corners), "full")
    assert found["test_pairs"] == [[0, 1, 2, 3], None]
    assert found["cycle_error"][0] == pytest.approx(0.0)
    assert found["cycle_error"][1] > 1


@pytest.mark.parametrize(("turn", "sign"), [((1.0, -1.0), 1), ((-1.0, -1.0), -1)])
def test_crescents_mirrored_and_turned(turn, sign):
    """Mirrored at the axis, every point meets its partner; turned by half a circle, the order is reversed; both close."""
    factor = torch.tensor(turn)
    model = Known(lambda x: x * factor, lambda x: x * factor)
    found = measures.Crescents(copies=2)(model, recipe(cycle.crescents), "full")
    for to in "ab":
        assert all(sign * value > 0.99 for value in found[f"test_label_correlation_to_{to}"])
        assert found[f"test_covered_to_{to}"] == [1.0, 1.0]
        assert found[f"test_cycle_error_to_{to}"] == pytest.approx([0.0, 0.0], abs=1e-6)


def test_a_film_of_crescents_holds_the_ways_of_both_sets():
    model = cycle.point_cycle(copies=cycle.SEEDS, hidden=(4,), cycle=1.0)
    film = cycle.film(SimpleNamespace(result=lambda: model, steps=0))
    assert isinstance(film, Film)
    (frame,) = film.frames
    assert frame.shape == (2 * cycle.SEEDS * cycle.SHOWN, 4)
    points, _ = unpaired.crescents(cycle.SEEDS * cycle.SHOWN, generator=runtime.generator(2))
    with torch.no_grad():
        there = model.translate(points.b, to="a").clamp(-2, 2)
    found = frame[len(points.a) :, :2].float() / 255 * 4 - 2
    torch.testing.assert_close(found, there, atol=0.02, rtol=0)
