"""Copies to hand out: no solution is left in a student's copy, and everything that later cells use is there."""

import ast
import builtins
import importlib
import inspect
import json
import math

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.cli import main, release, running
from course_lib.cli.lessons import Lesson, lessons

LESSONS = lessons()


def solutions(notebook):
    return [cell for cell in notebook.cells if "solution" in cell.metadata.get("tags", [])]


def lines(source):
    """The lines of a source that say something: not those of one word or bracket."""
    return {line.strip() for line in source.splitlines() if len(line.strip()) > 12}


@pytest.fixture(scope="module", params=LESSONS, ids=str)
def copies(request):
    notebook = nbformat.read(request.param.path, as_version=4)
    return request.param, notebook, release.student_copy(notebook), release.instructor_copy(notebook)


def test_no_line_of_a_solution_is_left_anywhere(copies):
    _, original, student, _ = copies
    shown = set().union(*(lines(cell.source) for cell in original.cells if cell not in solutions(original)))
    text = json.dumps(student, ensure_ascii=False)
    for solution in solutions(original):
        for line in lines(solution.source) - shown:
            assert json.dumps(line, ensure_ascii=False)[1:-1] not in text, line
        for output in solution.outputs:
            for line in lines("".join(output.get("text", ""))) - shown:
                assert json.dumps(line, ensure_ascii=False)[1:-1] not in text, line
    assert not solutions(student)
    assert not any(cell.metadata.get("slideshow", {}).get("slide_type") == "notes" for cell in student.cells)


def test_every_exercise_is_there_and_untried(copies):
    _, original, student, _ = copies
    wanted = [original.cells[original.cells.index(cell) - 1].source for cell in solutions(original)]
    found = {cell.source: cell for cell in student.cells if cell.cell_type == "code"}
    for source in wanted:
        if source in found and source.rstrip().splitlines()[-1].startswith("check."):
            assert found[source].outputs == []
            assert found[source].execution_count is None


def test_later_cells_find_all_that_they_use(copies):
    _, _, student, _ = copies
    names = [release._names(cell.source) for cell in student.cells if cell.cell_type == "code"]
    defined = {"display", *dir(builtins)}.union(*(defined for _, defined in names))  # Jupyter gives every cell `display`
    assert not set().union(*(read for read, _ in names)) - defined


def test_the_courses_own_functions_take_what_the_solutions_take(copies):
    lesson, original, student, _ = copies
    checks = importlib.import_module(f"course_lib.checks.lesson_{lesson.number}")
    for cell in student.cells:
        if not cell.source.startswith(release.GOES_ON):
            continue
        for node in ast.parse(cell.source).body:
            name, check = node.targets[0].id, node.value.value.func.attr
            source = next(c.source for c in solutions(original) if f"def {name}(" in c.source)
            solution = next(n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef) and n.name == name)
            answer = getattr(checks, check)(None, record=False).answer
            inspect.signature(answer).bind(*solution.args.args)


def test_an_instructors_copy_hides_nothing(copies):
    _, original, _, instructor = copies
    assert [cell.source for cell in solutions(instructor)] == [cell.source for cell in solutions(original)]
    for cell in instructor.cells:
        assert not cell.metadata.get("jupyter", {}).get("source_hidden")
        if cell.metadata.get("slideshow", {}).get("slide_type") == "notes":
            assert "<details>" not in cell.source


def test_a_students_copy_runs_from_top_to_bottom(tmp_path):
    lesson = next(lesson for lesson in LESSONS if lesson.number == "05")  # three of its functions are used later
    assert release.release([lesson], student=tmp_path / "student") == 0
    outcome = running.run_one(Lesson("05", lesson.name, tmp_path / "student" / lesson.path.name), "smoke", tmp_path, jobs=2)
    assert outcome.trouble is None, running.line(outcome)


def test_the_answer_of_a_student_is_used_where_it_is_right():
    from course_lib.checks import lesson_12 as check

    def mine(mean, log_scale):
        return (0.5 * (mean**2 + (2 * log_scale).exp() - 1) - log_scale).sum(1)

    assert check.kl(mine, record=False).answer is mine
    wrong = check.kl(lambda mean, log_scale: mean.sum(1), record=False)
    assert wrong.status == "wrong"
    assert check.kl(wrong.answer, record=False).status == "right"


def numbers(*shape):
    return torch.linspace(-1, 1, math.prod(shape)).reshape(shape).requires_grad_()


def penalty(critic, x):
    (slopes,) = torch.autograd.grad(critic(x).sum(), x, create_graph=True)
    return (slopes.flatten(1).norm(dim=1) - 1).square().mean()


@pytest.mark.parametrize(
    ("lesson", "name", "mine", "given"),
    [
        (12, "draw", lambda mean, log_scale, noise: mean + log_scale.exp() * noise, [numbers(3, 2)] * 3),
        (14, "straight_through", lambda vectors, entries: vectors + (entries - vectors).detach(), [numbers(3, 2)] * 2),
        (17, "penalty", lambda critic, x: penalty(critic, x.detach().requires_grad_()), [torch.sin, numbers(2, 1, 2, 2)]),
    ],
)
def test_a_check_that_looks_at_gradients_hands_on_the_function_itself(lesson, name, mine, given):
    check = getattr(importlib.import_module(f"course_lib.checks.lesson_{lesson}"), name)
    assert check(mine, record=False).answer is mine
    torch.testing.assert_close(check(None, record=False).answer(*given), mine(*given))


def small(solution, later):
    exercise = new_code_cell("def my_f(x):\n    return ...\n\n\ncheck.f(my_f)")
    hidden = new_code_cell(solution, metadata={"tags": ["solution"]})
    return new_notebook(cells=[new_markdown_cell("# 90 · small"), exercise, hidden, new_code_cell(later)])


def test_a_function_used_later_is_taken_from_the_check():
    copy = release.student_copy(small("def f(x):\n    return x + 1\n\n\ncheck.f(f, record=False)", "print(f(2))"))
    assert copy.cells[2].source.splitlines()[-1] == "f = check.f(my_f, record=False).answer"


def test_what_no_check_looks_at_must_not_be_defined_in_a_solution():
    with pytest.raises(ValueError, match="later cells use table, which only a solution defines"):
        release.student_copy(small("table = [1]\ncheck.f(lambda x: x, record=False)", "print(table)"))


@pytest.mark.parametrize(
    "options", [[], ["--student", "notebooks"], ["--student", "there"], ["--student", "x", "--instructor", "x"]]
)
def test_nothing_is_replaced(options, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(release, "ROOT", tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there").mkdir()
    mine = tmp_path / "there" / LESSONS[7].path.name
    mine.write_text("my work", encoding="utf-8")
    assert main(["release", "07", *options]) == 2
    assert "course: " in capsys.readouterr().err
    assert mine.read_text(encoding="utf-8") == "my work"
