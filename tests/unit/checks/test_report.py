"""Checks tell right from wrong, name the slip, point at the student's own line, and never raise."""

import io
import json
import os
import pathlib
import sys
import threading
import time

import pytest
import torch
from filelock import FileLock

from course_lib import runtime
from course_lib.checks import progress as keeping
from course_lib.checks.report import Slip, grade, grade_samples, progress


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("COURSE_HOME", str(tmp_path))
    return tmp_path


CASES = [(torch.tensor([[0.1, 0.2, 0.3], [0.5, 0.25, 0.25]]),), (torch.tensor([[0.7, 0.1, 0.1]]),)]
SLIPS = [Slip(lambda x: x.log().sum(0), "a sum over the wrong axis."), Slip(lambda x: x.sum(-1), "where is the log?")]


def truth(x):
    return x.log().sum(-1)


def check(attempt, **options):
    return grade("07.1", attempt, truth, CASES, SLIPS, **options)


def test_right_in_every_form_an_answer_may_take():
    forms = [
        truth,
        lambda x: truth(x).tolist(),
        lambda x: [float(v) for v in truth(x)],
        lambda x: list(truth(x)),
        lambda x: truth(x).numpy(),
        lambda x: truth(x.double()),
        lambda x: truth(x.requires_grad_()),
        lambda x: tuple(truth(x)),
    ]
    assert [check(form).status for form in forms] == ["right"] * len(forms)


def test_numbers_strings_and_parts():
    assert grade("03.1", 5, 5).status == "right"
    assert grade("03.1", torch.tensor([5.0]), 5).status == "right"
    assert grade("03.1", 0.50001, 0.5).status == "right"
    wrong = grade("03.1", 6, 5)
    assert wrong.status == "wrong"
    assert "came 6, expected 5" in wrong.text
    assert grade("03.1", "markov", "table").status == "wrong"
    assert grade("03.1", "table", "table").status == "right"
    pair = (torch.tensor(1.0), torch.tensor([2.0, 3.0]))
    assert grade("03.2", lambda: pair, pair).status == "right"
    assert "part 2 of 2: at [1] came 4, expected 3" in grade("03.2", (1.0, [2.0, 4.0]), pair).text
    assert "3 parts" in grade("03.2", (1.0, 2.0, 3.0), pair).text
    assert grade("03.2", torch.tensor(1.0), pair).status == "wrong"


def test_wrong_says_which_case_where_what_came_and_what_was_expected():
    def almost(x):
        answer = truth(x)
        if len(answer) == 2:
            answer[1] = 3
        return answer

    verdict = check(almost)
    assert verdict.status == "wrong"
    assert "case 1 of 2, x = [[0.1, 0.2, 0.3], [0.5, 0.25, 0.25]]: at [1] came 3, expected -3.466; 1 of 2" in verdict.text
    assert verdict.hint == ""


@pytest.mark.parametrize(
    ("attempt", "hint"),
    [
        (lambda x: x.log().sum(0), "wrong axis"),
        (lambda x: x.sum(-1), "where is the log"),
        (lambda x: -truth(x), "sign"),
        (lambda x: truth(x).exp(), "missing"),
        (lambda x: truth(x) / 0.6931472, "bits"),
        (lambda x: x.log(), "sum missing"),
        (lambda x: truth(x).sum(), "axis is missing"),
        (lambda x: truth(x)[:, None], "only their shape"),
        (lambda x: truth(x).int(), "fractions"),
        (lambda x: (x - 1).log().sum(-1), "NaN comes from"),
        (lambda x: truth(x) if len(x) == 2 else None, "one branch"),
    ],
)
def test_the_hint_names_the_slip(attempt, hint):
    verdict = check(attempt)
    assert verdict.status == "wrong"
    assert hint in verdict.hint


def test_hint_for_rows_and_columns_and_both_shapes_are_said():
    x = torch.arange(6.0).reshape(2, 3)
    verdict = grade("03.3", lambda x: x.T, lambda x: x, [(x,)])
    assert "shape (3, 2), expected (2, 3)" in verdict.text
    assert "changed places" in verdict.hint


def test_a_slip_that_cannot_be_computed_explains_nothing():
    verdict = grade("03.3", lambda x: x + 1, lambda x: x, [(torch.ones(2),)], [Slip(lambda x: x.nonsense, "never")])
    assert verdict.status == "wrong"
    assert verdict.hint == ""


def test_a_slip_is_named_only_when_it_explains_every_failure():
    slips = [Slip(lambda x: 2 * x, "twice")]
    cases = [(torch.tensor(1.0),), (torch.tensor(5.0),)]
    assert grade("03.3", lambda x: 2 * x, lambda x: x, cases, slips).hint == "twice"
    assert grade("03.3", lambda x: x + 1, lambda x: x, cases, slips).hint == ""


@pytest.mark.parametrize("attempt", [None, ..., NotImplemented, lambda x: None, lambda x: ..., [1, ...], (None, 2)])
def test_not_tried(attempt):
    assert check(attempt).status == "not tried"


def test_not_tried_when_the_body_says_so():
    def later(x):
        raise NotImplementedError

    assert check(later).status == "not tried"


def test_raised_shows_the_students_own_line():
    def mine(x):
        half = x[:, :2]
        return half @ x  # my own line

    verdict = check(mine)
    assert verdict.status == "raised"
    assert "RuntimeError" in verdict.text
    assert "return half @ x  # my own line" in verdict.text
    deep = check(lambda x: torch.cat([torch.ones(1), "a"]))
    assert 'torch.cat([torch.ones(1), "a"])' in deep.text


def test_shapes_that_do_not_fit_are_told_of_keepdim():
    x = torch.tensor([[0.1, 0.2, 0.7], [0.5, 0.4, 0.1]])
    verdict = grade("01.1", lambda x: x / x.sum(1), x / x.sum(1, keepdim=True), [x], record=False)
    assert verdict.status == "raised"
    assert "keepdim" in verdict.hint
    assert grade("01.1", lambda x: x @ x, x, [x], record=False).hint == ""  # another fault of shapes


def test_raised_when_called_with_other_arguments_than_it_takes():
    verdict = check(lambda: 3)
    assert verdict.status == "raised"
    assert "takes (), and is called with 1 arguments" in verdict.text


@pytest.mark.parametrize("leave", [sys.exit, exit])
def test_a_function_that_ends_the_program_is_told_to_return(leave):
    def mine(x):
        leave()  # my own line

    verdict = check(mine)
    assert verdict.status == "raised"
    assert "SystemExit" in verdict.text
    assert "leave()  # my own line" in verdict.text
    assert "`return`" in verdict.hint
    sampler = grade_samples("06.1", lambda n, generator: leave(), mean=0.5)
    assert sampler.status == "raised"


@pytest.mark.parametrize("error", [GeneratorExit, BaseException("my own")])
def test_whatever_a_function_raises_becomes_a_verdict_but_not_the_stop_button(error):
    def mine(x):
        raise error

    assert check(mine).status == "raised"

    def stopped(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        check(stopped)


class Unspeakable:
    def __repr__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    ("strange", "said"),
    [
        (Unspeakable(), "an Unspeakable"),
        (torch.ones(2, device="meta"), "meta device, which holds no numbers"),
        (torch.ones(3, 9, device="meta"), "meta device"),
        (torch.nested.nested_tensor([torch.ones(2), torch.ones(3)]), "a nested tensor"),
    ],
)
def test_answers_that_hold_no_numbers_are_not_called_a_fault_of_the_course(strange, said):
    for verdict in (check(lambda x: strange), grade("07.2", strange, torch.ones(2)), grade("07.2", strange, "word")):
        assert verdict.status == "wrong"
        assert "fault of the course" not in verdict.text
    assert said in grade("07.2", strange, torch.ones(2)).text


def test_sparse_and_quantised_answers_count_by_their_numbers():
    sparse = torch.tensor([0.0, 2.0]).to_sparse()
    quantised = torch.quantize_per_tensor(torch.tensor([0.0, 2.0]), 0.5, 0, torch.quint8)
    for answer in (sparse, quantised):
        assert grade("07.2", answer, torch.tensor([0.0, 2.0])).status == "right"
        assert "at [1] came 2, expected 3" in grade("07.2", answer, torch.tensor([0.0, 3.0])).text


def test_the_tolerance_is_in_proportion_to_one_plus_the_truth():
    assert grade("07.2", 100.0 + 1.005, 100.0, tolerance=1e-2).status == "right"  # 1e-2 of 101, more than 1e-2 of 100
    assert grade("07.2", 100.0 + 1.015, 100.0, tolerance=1e-2).status == "wrong"


def test_strange_answers_are_wrong_and_nothing_raises():
    for strange in ({"a": 1}, object(), "text", torch.tensor([1j]), torch.nn.Linear(1, 1), print, [[1], [2, 3]]):
        verdict = check(lambda x, strange=strange: strange)
        assert verdict.status == "wrong", strange
        assert verdict.text
        assert grade("07.2", strange, torch.ones(3)).status != "right"
    assert "without calling it" in check(torch.ones(2)).hint


def test_a_fault_of_the_check_is_not_blamed_on_the_student():
    verdict = grade("07.2", lambda x: x, lambda x: x.missing, [(torch.ones(1),)])
    assert verdict.status == "raised"
    assert "fault of the course" in verdict.text


def test_arguments_changed_in_place_hurt_nobody():
    def greedy(x):
        answer = truth(x)
        x.zero_()
        return answer

    kept = CASES[0][0].clone()
    assert check(greedy).status == "right"
    assert torch.equal(CASES[0][0], kept)
    nested = grade("03.3", lambda d: d["x"].pop().add_(1), lambda d: d["x"][0] + 1, [({"x": [torch.ones(2)]},)])
    assert nested.status == "right"


def test_generators_and_the_global_seed_are_the_same_for_both_and_left_alone():
    generator = runtime.generator(3)
    before, mine = torch.get_rng_state(), generator.get_state()
    draw = lambda g: torch.rand(3, generator=g) + torch.rand(3)  # noqa: E731
    assert grade("03.3", draw, draw, [(generator,)]).status == "right"
    assert torch.equal(before, torch.get_rng_state())
    assert torch.equal(mine, generator.get_state())


def test_infinities_are_compared_and_expected_nan_is_right():
    inf = torch.tensor([torch.inf, -torch.inf, torch.nan])
    assert grade("03.3", inf, inf).status == "right"
    assert "came -inf, expected inf" in grade("03.3", -inf, inf).text


@pytest.mark.parametrize(("encoding", "signs"), [("ascii", "+x"), ("cp1252", "+x"), ("utf-8", "✓✗")])
def test_verdicts_and_progress_can_be_printed_in_any_encoding(monkeypatch, encoding, signs):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stream)
    print(grade("03.3", "a", "a"))
    print(grade("03.3", "Ω → –", "b"))
    print(keeping.Progress({"03": {"03.3": "words"}}, {}, note="a note with an arrow →"))
    stream.flush()
    lines = stream.buffer.getvalue().decode(encoding).splitlines()
    assert [lines[0][0], lines[1][0]] == list(signs)
    assert "wrong: you answered" in lines[1]


def test_what_a_student_writes_is_escaped_in_html():
    verdict = grade("03.3", "<script>", "b")
    assert "<script>" not in verdict._repr_html_()
    assert "&lt;script&gt;" in verdict._repr_html_()
    assert str(verdict).startswith("✗ 03.3 wrong")
    assert "\n" not in str(verdict)


# Progress


def test_progress_keeps_the_best_and_records_only_when_asked(home):
    check(None)
    check(truth, record=False)
    assert not keeping.file().exists()
    check(lambda x: 1)
    assert json.loads(keeping.file().read_text())["exercises"]["07.1"]["status"] == "wrong"
    check(truth)
    check(lambda x: 1)
    assert progress().status == {"07.1": "right"}
    assert {path.name for path in home.iterdir()} <= {"progress.json", ".progress.lock"}


def test_progress_of_lessons_open_at_the_same_time_is_merged():
    names = [f"{i:02d}.{j}" for i in range(8) for j in range(5)]
    workers = [threading.Thread(target=lambda i=i: [keeping.keep(name, "right") for name in names[i::8]]) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(progress().status) == set(names)


@pytest.mark.parametrize("damage", [b"{", b"[]", b'{"exercises": {"07.1": 3}}', b'{"exercises": {"07.1": {}}}', b"\xff\xfe", b""])
def test_a_damaged_file_is_set_aside_and_said(home, damage):
    keeping.file().write_bytes(damage)
    (home / "progress.damaged-1.json").write_text("older")
    verdict = check(truth)
    assert verdict.status == "right"
    assert "progress.damaged-2.json" in verdict.note
    assert (home / "progress.damaged-2.json").read_bytes() == damage
    assert (home / "progress.damaged-1.json").read_text() == "older"
    assert progress().status == {"07.1": "right"}


@pytest.mark.parametrize("age", [-3600, 0, 60], ids=["dated in the future", "new", "old"])
def test_a_lock_left_behind_by_a_dead_kernel_holds_nobody_up(home, age):
    lock = home / ".progress.lock"
    lock.touch()
    os.utime(lock, (time.time() - age,) * 2)
    begun = time.monotonic()
    assert check(truth).note == ""
    assert time.monotonic() - begun < 2
    assert progress().status == {"07.1": "right"}


@pytest.mark.parametrize("age", [0, 60], ids=["new", "dated in the past"])
def test_a_lock_that_is_held_is_never_taken_away(home, monkeypatch, age):
    monkeypatch.setattr(keeping, "_WAIT", 0.3)
    lock = home / ".progress.lock"
    with FileLock(lock):
        os.utime(lock, (time.time() - age,) * 2)
        said = []
        other = threading.Thread(target=lambda: said.append(check(truth)))  # another lesson
        other.start()
        other.join()
        assert said[0].status == "right"
        assert "another lesson has been writing for 0.3 seconds" in said[0].note
        assert not keeping.file().exists()
    assert check(truth).note == ""
    assert progress().status == {"07.1": "right"}


def test_a_folder_without_locks_is_said_not_raised(monkeypatch):
    def no_locks(*given, **named):
        raise NotImplementedError("this file system knows no locks")

    monkeypatch.setattr(keeping, "FileLock", no_locks)
    verdict = check(truth)
    assert verdict.status == "right"
    assert "could not be kept: this file system knows no locks" in verdict.note


def test_a_user_without_a_home_is_told_not_raised(monkeypatch):
    def nowhere(cls):
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("COURSE_HOME")
    monkeypatch.setattr(pathlib.Path, "home", classmethod(nowhere))
    verdict = check(truth)
    assert verdict.status == "right"
    assert "could not be kept" in verdict.note
    assert "could not be read" in progress().note


def test_a_home_that_cannot_be_written_is_said_not_raised(home, monkeypatch):
    (home / "file").write_text("in the way")
    monkeypatch.setenv("COURSE_HOME", str(home / "file" / "folder"))
    verdict = check(truth)
    assert verdict.status == "right"
    assert "could not be kept" in verdict.note
    assert "could not be read" in progress().note


def test_progress_counts_what_each_lesson_declares():
    table = keeping.Progress({"07": {"07.1": "masks <b>", "07.2": "orders"}}, {"07.1": "right", "07.9": "right"})
    assert table.line("07") == "1 of 2"
    assert table.solved("08") == 0
    assert "1 of 2" in str(table)
    shown = table._repr_html_()
    assert "✓&nbsp;masks &lt;b&gt;" in shown
    assert "○&nbsp;orders" in shown


def test_every_lesson_declares_its_own_exercises():
    for lesson, exercises in keeping.declared().items():
        assert exercises
        assert all(name.startswith(f"{lesson}.") and words for name, words in exercises.items())


# Samplers

PROBS = torch.tensor([0.1, 0.2, 0.3, 0.4])
JOINT = torch.tensor([[0.1, 0.4], [0.5, 0.0]])


def by_probs(probs):
    def sample(n, generator):
        return torch.multinomial(probs, n, replacement=True, generator=generator)

    return sample


def by_joint(n, generator):
    state = torch.multinomial(JOINT.flatten(), n, replacement=True, generator=generator)
    return torch.stack([state // 2, state % 2], 1).float()


def test_right_samplers_pass():
    assert grade_samples("06.1", by_probs(PROBS), probs=PROBS).status == "right"
    assert grade_samples("06.1", by_joint, probs=JOINT).status == "right"
    pixels = torch.tensor([[0.1, 0.9], [0.5, 1.0]])
    coins = lambda n, generator: (torch.rand(n, 2, 2, generator=generator) < pixels).float()  # noqa: E731
    assert grade_samples("06.1", coins, mean=pixels).status == "right"
    normal = lambda scale, n, generator: scale * torch.randn(n, generator=generator)  # noqa: E731
    assert grade_samples("06.1", normal, cdf=lambda x: torch.special.ndtr(x / 2), args=(2.0,)).status == "right"
    sure = lambda n, generator: torch.zeros(n)  # noqa: E731
    assert grade_samples("06.1", sure, probs=torch.tensor([1.0, 0.0])).status == "right"


@pytest.mark.parametrize(
    ("attempt", "law", "said"),
    [
        (by_probs(torch.ones(4)), {"probs": PROBS}, "expected 0.1"),
        (lambda n, g: by_joint(n, g).flip(1), {"probs": JOINT}, "came in"),
        (lambda n, g: by_joint(n, g)[:, 0], {"probs": JOINT}, "shape (20000,), expected (20000, 2)"),
        (lambda n, g: by_joint(n, g) + 0.5, {"probs": JOINT}, "whole numbers"),
        (lambda n, g: by_joint(n, g) * torch.nan, {"probs": JOINT}, "NaN"),
        (lambda n, g: "no", {"probs": JOINT}, "a str"),
        (lambda n, g: torch.rand(n, 2, generator=g), {"mean": [0.5, 0.4]}, "mean at [1]"),
        (lambda n, g: torch.randn(n, 2, generator=g), {"mean": [0.5, 0.4]}, "expected [0, 1]"),
        (lambda n, g: torch.rand(n, generator=g), {"cdf": torch.special.ndtr}, "quantiles"),
        (lambda n, g: torch.bernoulli(torch.full((n,), 0.5)), {"mean": 0.5}, "seed"),
        (lambda n, g: torch.arange(n) % 2, {"mean": 0.5}, "seed"),
        (torch.zeros(3), {"mean": 0.5}, "a function was expected"),
    ],
)
def test_wrong_samplers_are_caught(attempt, law, said):
    verdict = grade_samples("06.1", attempt, **law)
    assert verdict.status == "wrong"
    assert said in verdict.text


def test_samplers_untried_raising_and_slipping():
    assert grade_samples("06.1", None, probs=PROBS).status == "not tried"
    assert grade_samples("06.1", lambda n, g: None, probs=PROBS).status == "not tried"
    raised = grade_samples("06.1", lambda n, g: torch.rand(n, generator=7), probs=PROBS)
    assert raised.status == "raised"
    assert "generator=7" in raised.text
    slip = Slip(lambda: PROBS.flip(0), "counted from the other end.")
    assert grade_samples("06.1", by_probs(PROBS.flip(0)), probs=PROBS, slips=[slip]).hint == slip.hint
    assert grade_samples("06.1", by_probs(PROBS), probs=PROBS, mean=PROBS).status == "raised"


def test_false_alarms_are_rarer_than_stated_and_small_faults_are_seen():
    """At a stated rate of 1 in 10, 400 honest samplers raise far fewer than 40 alarms; 2 points off is seen at n = 20,000."""
    from course_lib.checks import sampling

    law, alarms = sampling.Law(probs=PROBS), 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "FALSE_ALARM", 0.1)
        for seed in range(400):
            alarms += law.misfit(by_probs(PROBS)(200, runtime.generator(seed)), 200) is not None
    assert 0 < alarms <= 40
    off = by_probs(torch.tensor([0.12, 0.18, 0.3, 0.4]))
    assert grade_samples("06.1", off, probs=PROBS).status == "wrong"
