"""Every public function of metrics, distributions and plots, given odd values one by one: the right answer, or words."""

import importlib
import inspect
import pkgutil

import distribution_calls
import metric_calls
import plot_calls
import pytest
from calls import drawing_faults, faults

import course_lib.distributions
import course_lib.metrics
import course_lib.plots
from course_lib.metrics import probes

HELPERS = {"inputs", "given", "style", "moving"}  # modules of checks, of colours and of files
RESULTS = {"Estimate", "Overlap", "ModeCounts", "AtInfinity", "LogPartition", "RankCorrelation", "Plan", "Cumulative",
           "Assignment", "LessonFigure", "Node", "Arrow", "Scored"}  # fmt: skip  # what a function takes or returns
TABLES = {course_lib.metrics: metric_calls.CALLS, course_lib.plots: plot_calls.CALLS}
WORDS = ("str", "Sequence[str]", "tuple[str, str]")  # annotations of arguments that hold words alone


def takes_numbers(function):
    return any(parameter.annotation not in WORDS for parameter in inspect.signature(function).parameters.values())


@pytest.mark.parametrize("package", TABLES, ids=lambda package: package.__name__)
def test_the_table_holds_every_public_function(package):
    for module in pkgutil.iter_modules(package.__path__):
        here = importlib.import_module(f"{package.__name__}.{module.name}")
        for name, value in vars(here).items() if module.name not in HELPERS else ():
            own = (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == here.__name__
            if own and not name.startswith("_") and name not in RESULTS and takes_numbers(value):
                assert f"{module.name}.{name}" in TABLES[package]


def test_the_table_holds_every_distribution():
    public = set(course_lib.distributions.__all__) - {"Distribution"}
    assert {name.split()[0] for name in distribution_calls.CALLS} == public


@pytest.mark.parametrize("name", distribution_calls.CALLS)
def test_a_distribution_answers_odd_values_rightly_or_refuses_them_in_words(name):
    assert not faults(distribution_calls.CALLS[name])


@pytest.mark.parametrize("name", metric_calls.CALLS)
def test_a_metric_answers_odd_values_rightly_or_refuses_them_in_words(name, monkeypatch):
    monkeypatch.setattr(probes, "STEPS", 3)  # of L-BFGS: the sweep asks what is taken, not how well it is fitted
    assert not faults(metric_calls.CALLS[name])


@pytest.mark.filterwarnings("ignore")  # matplotlib warns of legends without a line
@pytest.mark.parametrize("name", plot_calls.CALLS)
def test_a_figure_of_odd_numbers_is_drawn_or_refused_in_words(name):
    assert not drawing_faults(plot_calls.CALLS[name])
