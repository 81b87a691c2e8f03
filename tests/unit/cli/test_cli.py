"""The `course` command, asked as a person asks it."""

import json
import shutil
from dataclasses import replace
from functools import partial

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from course_lib.cli import children, command, doctor, lab, lessons, main, running, train
from course_lib.datasets import manifest
from course_lib.models.autoregressive import NADE
from course_lib.training import checkpoints, measures, recipes


@pytest.fixture
def shelf(tmp_path):
    """A folder with two lessons, of which the second fails in its third cell."""
    start = [new_markdown_cell("Hello\n\n# Start here"), new_code_cell("budget = None", metadata={"tags": ["parameters"]})]
    good = new_notebook(cells=[*start, new_code_cell("assert budget == 'smoke'")])
    bad = new_notebook(cells=[*start, new_code_cell("counts = [1]\ncounts[3]"), new_code_cell("1 + 1")])
    for name, notebook in (("00_start_here", good), ("07_nade", bad)):
        nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    return lessons.lessons(tmp_path)


@pytest.mark.parametrize("asked", ["7", "07", "nade", "07_nade", "07_nade.ipynb", "NADE"])
def test_a_lesson_has_many_names(shelf, asked):
    assert str(lessons.find(asked, shelf)) == "07_nade"


@pytest.mark.parametrize(("asked", "meant"), [("nada", "nade"), ("start_hear", "start_here")])
def test_an_unknown_lesson_is_guessed(shelf, asked, meant):
    with pytest.raises(lessons.UnknownName, match=f"did you mean '{meant}'"):
        lessons.find(asked, shelf)


def test_a_raised_digit_is_no_number(shelf):
    with pytest.raises(lessons.UnknownName, match="no lesson is called '²'"):
        lessons.find("²", shelf)


def test_title_is_the_first_heading(shelf):
    assert shelf[0].title == "Start here"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["docter"], "did you mean 'doctor'"),
        (["train", "nade-mnits"], "did you mean 'nade-mnist'"),
        (["train", "nade-mnist", "--budget", "smoke", "--ship"], "--budget full"),
        (["train", "nade-mnist", "--budget", "full", "--ship", "--validate"], "leave out --ship or --validate"),
        (["train", "nade-mnist", "--device", "gpu"], "device 'gpu' is not one torch knows"),
        (["clean", "nowhere.ipynb"], "neither a notebook nor a folder"),
    ],
)
def test_asked_wrongly(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(arguments) == 2
    assert said in capsys.readouterr().err


def test_a_setting_of_the_environment_that_does_not_exist_is_asked_wrongly_too(capsys, monkeypatch):
    monkeypatch.setenv("COURSE_BUDGET", "lots")
    assert main(["train", "nade-mnist"]) == 2
    assert "budget 'lots' is unknown" in capsys.readouterr().err


def test_list_names_lessons_data_and_models(capsys):
    assert main(["list"]) == 0
    said = capsys.readouterr().out
    for lesson in lessons.lessons():
        assert lesson.name in said
        assert lesson.title.split(" · ")[-1] in said
    assert "old_faithful" in said
    assert all(f" {name} " in said for name, recipe in recipes.RECIPES.items() if recipe.weights)
    runs = [recipe.study for recipe in recipes.RECIPES.values()]
    for study in filter(None, set(runs)):
        (line,) = (line for line in said.splitlines() if line.split()[:1] == [study])
        assert f"of {runs.count(study)} runs kept" in line, "a study is one line"


def test_lab_opens_the_lesson_on_this_machine_and_keeps_its_token():
    lesson = lessons.lessons()[0]
    words = lab.command(lesson, ["--no-browser"])
    assert words[words.index("--ServerApp.ip") + 1] == "127.0.0.1"
    assert words[words.index("--LabApp.default_url") + 1] == f"/lab/tree/notebooks/{lesson}.ipynb"
    assert words[-1] == "--no-browser"
    assert not any("token" in word or "password" in word for word in words)
    assert f"--LabApp.app_settings_dir={lab.SETTINGS}" in words
    overrides = json.loads((lab.SETTINGS / "overrides.json").read_text())
    assert overrides["@jupyterlab/apputils-extension:notification"]["fetchNews"] == "false", "JupyterLab would ask about news"


def test_run_makes_the_folder_and_says_what_failed_where(shelf, tmp_path, capsys):
    out = tmp_path / "a" / "b"
    assert running.run(shelf, budget="smoke", out=out, jobs=2) == 1
    said = capsys.readouterr().out
    assert "1 passed, 1 failed" in said
    assert "cell 3 raised IndexError: list index out of range" in said
    assert "counts[3]" in said
    assert {path.name for path in out.iterdir()} == {"00_start_here.ipynb", "07_nade.ipynb"}


def test_run_of_nothing_or_by_nobody_is_refused(shelf, tmp_path):
    with pytest.raises(ValueError, match="expected 1 or more"):
        running.run(shelf, budget="smoke", out=tmp_path, jobs=0)
    with pytest.raises(ValueError, match="no lesson"):
        running.run([], budget="smoke", out=tmp_path)


def test_run_of_a_good_lesson(shelf, tmp_path):
    assert running.run(shelf[:1], budget="smoke", out=tmp_path / "out") == 0


@pytest.fixture
def small_recipe(monkeypatch, tmp_path):
    """A recipe that trains in moments in any budget, in a data folder and a user folder of their own."""
    data = tmp_path / "data"
    shutil.copytree(lessons.ROOT / "data" / "mnist", data / "mnist")
    lines = [line for line in (lessons.ROOT / "data" / "SHA256SUMS").read_text().splitlines() if "  mnist/" in line]
    (data / "SHA256SUMS").write_text("\n".join(lines) + "\n")
    monkeypatch.setenv("COURSE_DATA", str(data))
    monkeypatch.setenv("COURSE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(measures, "SMOKE_EXAMPLES", 50)
    recipe = recipes.Recipe(
        partial(NADE, event_shape=(1, 28, 28), hidden=4),
        "small",
        (2, 2, 2),
        step=recipes.Gradient(lr=1e-3),
        measure=measures.nats,
        binarisation="resampled",
        examples=(200, 200, 200),
    )
    monkeypatch.setitem(recipes.RECIPES, "small", recipe)
    return data


@pytest.fixture
def unmeasured(small_recipe, monkeypatch):
    """The same, whose measure is a number at once."""
    quick = replace(recipes.RECIPES["small"], measure=lambda model, recipe, budget: {"test_nats": 1.0})
    monkeypatch.setitem(recipes.RECIPES, "small", quick)
    return small_recipe


def small(*more, budget="full"):
    return main(["train", "small", "--budget", budget, "--device", "cpu", *more])


def test_train_measures_and_saves(small_recipe, capsys):
    assert small(budget="smoke") == 0
    said = capsys.readouterr().out
    assert "epoch    2/2" in said
    assert f"saved: {checkpoints.own_dir() / 'smoke' / 'small.safetensors'}" in said
    metrics = checkpoints.describe("small", checkpoints.own_dir() / "smoke")["metrics"]
    assert metrics["n"] == 50
    assert 0 < metrics["standard_error"] < metrics["test_nats"]
    assert not checkpoints.names()


def test_a_validated_model_has_its_own_name_and_is_not_shipped(small_recipe, capsys):
    assert small("--validate", budget="smoke") == 0
    assert "validation_nats" in capsys.readouterr().out
    assert not (checkpoints.own_dir() / "small.json").exists()
    assert checkpoints.describe("small-validation", checkpoints.own_dir() / "smoke")["split"] == "train"
    assert not checkpoints.names()


def test_training_stopped_by_hand_says_how_to_go_on_and_ships_nothing(unmeasured, capsys, monkeypatch):
    def stop(history, epochs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "progress", stop)
        assert small("--ship") == 130
    assert "To go on: course train small --budget full" in capsys.readouterr().out
    assert not checkpoints.names()
    assert small("--ship") == 0
    assert "epoch    1/2" not in capsys.readouterr().out
    assert checkpoints.names() == ["small"]


def test_what_is_shipped_is_listed_and_loads(unmeasured):
    assert train.train("small", budget="full", device="cpu", ship=True) == 0
    assert checkpoints.load("small").hidden == 4
    for ending in ("safetensors", "json"):
        assert manifest.verify(f"checkpoints/small.{ending}").is_file()
    about = json.loads((unmeasured / "checkpoints" / "small.json").read_text())
    assert about["metrics"] == {"test_nats": 1.0}
    assert len(manifest.checksums()) == 6


def test_a_changed_recipe_is_one_line_that_says_what_changed(unmeasured, capsys, monkeypatch):
    def stop(history, epochs):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(train, "progress", stop)
        small()
    monkeypatch.setitem(recipes.RECIPES, "small", replace(recipes.RECIPES["small"], batch_size=50))
    assert small() == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "batch_size was 100, is 50" in said
    assert "course train small --budget full --anew" in said
    assert small("--anew") == 0


def test_training_that_diverges_is_one_line_with_the_fix(unmeasured, capsys, monkeypatch):
    class Diverging(NADE):
        def loss(self, x, *, generator=None):
            return super().loss(x) * float("nan")

    diverging = replace(recipes.RECIPES["small"], build=partial(Diverging, event_shape=(1, 28, 28), hidden=4))
    monkeypatch.setitem(recipes.RECIPES, "small", diverging)
    assert small() == 1
    said = capsys.readouterr().err
    assert said.startswith("course: small: loss became nan")
    assert "smaller learning rate" in said


def test_a_folder_that_cannot_be_written_is_one_line(unmeasured, capsys):
    (unmeasured / "checkpoints").write_text("no folder")
    assert small("--ship") == 1
    assert capsys.readouterr().err.startswith("course: ")
    assert checkpoints.describe("small", checkpoints.own_dir())["epochs"] == 2, "the user's own copy is kept"


def test_a_damaged_data_file_is_one_line_with_the_fix(small_recipe, capsys):
    (small_recipe / "mnist" / "train-images-idx3-ubyte.xz").write_bytes(b"damaged")
    assert small() == 1
    said = capsys.readouterr().err
    assert said.startswith("course: ")
    assert "train-images-idx3-ubyte.xz is damaged" in said


def test_an_error_of_the_program_keeps_its_traceback(small_recipe, monkeypatch):
    def wrong(model, recipe, budget):
        raise ValueError("a slip in the program")

    monkeypatch.setitem(recipes.RECIPES, "small", replace(recipes.RECIPES["small"], measure=wrong))
    with pytest.raises(ValueError, match="a slip in the program"):
        small()


def test_every_error_keeps_its_traceback_on_request(monkeypatch):
    monkeypatch.setenv("COURSE_DEBUG", "1")
    with pytest.raises(lessons.UnknownName):
        main(["train", "nade-mnits"])


def test_doctor_is_content_here():
    report = doctor.examine()
    assert report.healthy, str(report)
    assert str(report).endswith("all is well")
    assert "<table" in report._repr_html_()


def test_doctor_names_the_damaged_file_and_the_mend(small_recipe, capsys):
    (small_recipe / "mnist" / "t10k-labels-idx1-ubyte.gz").write_bytes(b"damaged")
    folder = small_recipe / "checkpoints"
    folder.mkdir()
    (folder / "broken.json").write_text('{"sha256": "0"}')
    assert main(["doctor"]) == 1
    said = capsys.readouterr().out
    assert "t10k-labels-idx1-ubyte.gz is damaged" in said
    assert "git checkout -- data/mnist/t10k-labels-idx1-ubyte.gz" in said
    assert "broken.json is damaged" in said
    assert "2 things are wrong" in said


@pytest.mark.parametrize(("before", "after"), [(None, command.SHORT_WAIT), ("300", "300")])
def test_threads_wait_briefly_unless_the_user_says_otherwise(monkeypatch, before, after):
    monkeypatch.setenv("GOMP_SPINCOUNT", before or "")
    if before is None:
        monkeypatch.delenv("GOMP_SPINCOUNT")
    assert main(["list"]) == 0
    assert children.environment()["GOMP_SPINCOUNT"] == after
