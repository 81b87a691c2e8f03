"""Every public function of metrics and distributions, given odd values one by one: the right number, or a refusal in words."""

import importlib
import inspect
import pkgutil

import distribution_calls
import metric_calls
import pytest
from calls import faults

import course_lib.distributions
import course_lib.metrics
from course_lib.metrics import probes

PACKAGES = {course_lib.metrics: metric_calls.CALLS}
HELPERS = {"inputs"}  # modules of checks, not of metrics
RESULTS = {"Estimate", "Overlap", "ModeCounts", "AtInfinity", "LogPartition", "RankCorrelation", "Plan", "Cumulative",
           "Assignment"}  # fmt: skip  # what a function returns


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.__name__)
def test_the_table_holds_every_public_function(package):
    named = {name.split()[0] for name in PACKAGES[package]}
    for module in pkgutil.iter_modules(package.__path__):
        if module.name in HELPERS:
            continue
        here = importlib.import_module(f"{package.__name__}.{module.name}")
        for name, value in vars(here).items():
            own = (inspect.isfunction(value) or inspect.isclass(value)) and value.__module__ == here.__name__
            if own and not name.startswith("_") and name not in RESULTS:
                assert f"{module.name}.{name}" in named


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
