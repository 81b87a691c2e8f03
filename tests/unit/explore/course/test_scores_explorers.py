"""The explorers of the scoreboard: what the table, the plane, the answers and the game show of a few known lines and models."""

import runpy
from pathlib import Path

import numpy as np
import pytest
import torch

from course_lib.explore.course import trade_offs as plane
from course_lib.explore.course import two_clouds
from course_lib.explore.course.guessing import MODEL, PERSON, REAL, Tally, binary, real_or_generated, sequence
from course_lib.explore.course.scoreboard import scoreboard
from course_lib.metrics.coverage import overlap
from course_lib.metrics.frechet import frechet_distance
from course_lib.models.autoregressive import FVSBN, NADE
from course_lib.models.energy.rbm import RBM
from course_lib.models.latent import VAE
from course_lib.training.scores import answering
from course_lib.training.scores.lines import ordered, text

HERE = runpy.run_path(str(Path(__file__).with_name("table.py")))
DIGIT = (1, 28, 28)


def test_lines_are_sorted_with_missing_numbers_last():
    lines = HERE["_lines"]()
    assert [line.title for line in ordered(lines, "nats")][:3] == ["equal", "one", "equal · ELBO"]
    assert [line.name for line in ordered(lines, "nats", worst_first=True)][:3] == ["equal", "one", "equal"]
    assert [line.name for line in ordered(lines, "precision")][:2] == ["one", "equal"]
    assert ordered(lines, "bits")[0].name == "grey"


def test_a_likelihood_is_printed_with_the_sign_of_its_kind():
    one, equal, _, grey, nothing = HERE["_lines"]()
    assert text(one, "nats") == "= 84.00 ± 0.20"
    assert text(equal, "nats") == "≤ 83.00 ± 0.20"
    assert text(grey, "bits") == "≤ 1.150 ± 0.010"
    assert text(nothing, "nats") == ""
    assert text(one, "parameters") == "20 k"


def test_filters_take_lines_away_and_the_kinds_can_be_hidden():
    panel = scoreboard(HERE["_lines"]())
    changes = {"all": {}, "every": {"every": True}, "binary": {"pixels": "binary"}, "cannot": {"kind": "cannot", "every": True}}
    high = {key: panel.render(**{**panel.values, **change}).height for key, change in changes.items()}
    assert {key: (value - high["cannot"]) // 21 + 2 for key, value in high.items()} == {
        "all": 4, "every": 5, "binary": 2, "cannot": 2,
    }  # fmt: skip
    told, hidden = (np.asarray(panel.render(**{**panel.values, "told": told})) for told in (True, False))
    assert not np.array_equal(told, hidden)


def test_a_click_finds_the_nearest_dot_and_equal_models_both_stand_on_the_front():
    lines = plane.with_both(HERE["_lines"](), "seconds", "fid_binary")
    assert [line.name for line in lines] == ["one", "equal"]
    assert plane.on_the_front(lines, "seconds", "fid_binary") == [True, True]
    assert plane.on_the_front(plane.with_both(HERE["_lines"](), "minutes", "nats"), "minutes", "nats") == [False, True]


def answers_of(model, x, **given):
    known = (torch.arange(28) < 14)[None, :, None].expand(DIGIT)
    return answering.nats_of(model, x, **given), answering.complete(model, x, known), answering.reconstruct(model, x)


@pytest.mark.parametrize(
    ("build", "sign", "how", "code"),
    [
        (lambda: NADE(event_shape=DIGIT, hidden=3), "=", "exact", None),
        (lambda: VAE(event_shape=DIGIT, latent=2, hidden=(4,)), "≤", "chain", "mean"),
        (lambda: RBM(event_shape=DIGIT, hidden=2), "=", "chain", "mean"),
        (lambda: RBM(event_shape=DIGIT, hidden=30), "cannot", "chain", "mean"),
        (lambda: FVSBN(event_shape=DIGIT, order=list(range(783, -1, -1))), "=", "cannot", None),
    ],
)
def test_everyone_answers_in_its_own_kind(build, sign, how, code):
    x = HERE["digits_of_noise"]()[0]
    nats, completed, back = answers_of(build().eval(), x)
    assert nats.startswith(sign)
    assert completed.words.startswith(how)
    if completed.picture is not None:
        assert torch.equal(completed.picture[:, :14], x[:, :14])  # the upper half is kept
        assert not torch.equal(completed.picture[:, 14:], x[:, 14:])
    assert (back.picture is None) == (code is None)


def test_a_large_machine_answers_with_its_estimated_log_z():
    machine, x = RBM(event_shape=DIGIT, hidden=30).eval(), HERE["digits_of_noise"]()[0]
    said = answering.nats_of(machine, x, log_z=560.0)
    assert said == f"≈ {machine.free_energy(x[None]).item() + 560.0:.1f} nats"


def test_half_of_the_digits_are_real_and_have_the_pixels_of_their_rival():
    black, grey = HERE["digits_of_noise"](), HERE["digits_of_noise"]() * 0.7
    order = sequence({"a": black, "b": grey}, (black.flip(-1), grey.flip(-1)), 2_000, seed=0)
    shares = [sum(name == shown for name, _ in order) / 2_000 for shown in (REAL, "a", "b")]
    assert shares == pytest.approx([0.5, 0.25, 0.25], abs=0.04)
    assert sum(binary(x) for name, x in order if name == REAL) / 1_000 == pytest.approx(0.5, abs=0.05)


def test_the_tally_goes_on_after_the_cell_has_run_again():
    black, tally = HERE["digits_of_noise"](), Tally()

    def play():
        return real_or_generated({"a": black}, (black.flip(-1),), tally)

    first = play()
    for answer in (PERSON, MODEL, PERSON):
        first.handle("answers").click(answer)
    assert tally.answers == (PERSON, MODEL, PERSON)
    again = play()
    assert again.values["answers"] == tally.answers
    assert np.array_equal(np.asarray(again.render(**again.values)), np.asarray(first.render(**first.values)))
    names = list(tally.shown[:3])
    assert tally.counts() == {
        name: (sum(n == name and a == PERSON for n, a in zip(names, tally.answers, strict=True)), names.count(name))
        for name in dict.fromkeys(names)
    }
    right, tries = tally.right()
    assert tries == 3
    assert right == sum((n == REAL) == (a == PERSON) for n, a in zip(names, tally.answers, strict=True))


def test_two_clouds_show_what_lesson_24_says_of_them():
    """Narrow: precision 1, recall 0.30, the distance 0.05. One mode of three: recall 0.07. At an outlier: density a third."""
    scores = {}
    for name, settings in {
        "narrow": ((42, 42), 0.3, 3, 60, False),
        "one mode": ((42, 42), 0.3, 1, 60, False),
        "outlier": ((3, 78), 0.3, 3, 60, True),
    }.items():
        real, made = two_clouds.clouds(*settings)
        scores[name] = overlap(real, made, k=3), frechet_distance(real, made)
    assert (scores["narrow"][0].precision, scores["narrow"][0].recall) == pytest.approx((1, 0.30), abs=0.005)
    assert scores["narrow"][1] == pytest.approx(0.05, abs=0.005)
    assert scores["one mode"][0].recall == pytest.approx(0.07, abs=0.005)
    assert scores["one mode"][1] > 1
    assert (scores["outlier"][0].precision, scores["outlier"][0].density) == pytest.approx((1, 1 / 3))
