# Everything works from a bare checkout with Python 3.11 or newer; without make, README.md gives the same steps as plain commands.
PYTHON ?= python3
LESSON ?= 00
LAB_OPTIONS ?=
BIN := .venv/bin
TEST_SETTINGS := COURSE_QUIET=1 OMP_NUM_THREADS=1 PYTHONHASHSEED=0
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with tests/notebooks/sanitise.cfg --nbval-cell-timeout 120

.DEFAULT_GOAL := help
.PHONY: help environment lab site slides test lint bench clean-notebooks

help: ## this list
	@echo "make lab               open the course (LESSON=07 opens that lesson)"
	@echo "make site              the lessons as pages to read, in out/site, without a kernel or a network"
	@echo "make slides            still copies of all lessons as slides, in out/slides"
	@echo "make test              check everything: style, mathematics, a GPU, lessons, browser (LESSON=07 checks that lesson)"
	@echo "make bench             measure speed, as ratios to plain implementations"
	@echo "make clean-notebooks   bring saved notebooks into the form in which they are kept"
	@echo "Another Python: make lab PYTHON=python3.12"

environment:
	@command -v "$(PYTHON)" >/dev/null || { echo "there is no '$(PYTHON)'; install Python 3.11 or newer, or say PYTHON=…"; exit 1; }
	@"$(PYTHON)" -I course_lib/cli/environment.py

lab: environment
	@$(BIN)/course lab $(LESSON) $(LAB_OPTIONS)

site: environment
	@$(BIN)/course site --out out/site

slides: environment
	@$(BIN)/course slides

lint: environment
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Progress and models go to a folder that is removed afterwards, so the user's own folder stays untouched.
# Without a GPU, tests over CUDA run on a pretended one (tests/device/pretend_cuda.py), or are skipped where that is impossible.
# `make test LESSON=07` tests that lesson alone.
ONLY := $(if $(filter command environment,$(firstword $(origin LESSON))),$(LESSON))
SOME := $(if $(ONLY),-k $(ONLY)_)
# Three or four processes for two cores: many tests wait for a child, a lock or a page.
THREE := -n 3 --dist worksteal
FOUR := -n 4 --dist worksteal
NAMES_A_DEVICE = $(shell grep -rlE 'device|cuda' tests/unit --include='test_*.py')
# Lessons in the smoke budget come first, and tests are handed out one by one: no process is left alone with a long one at the end.
ON_CUDA = -k "cuda or _on_a_device or test_lesson_runs"
test: lint
	@set -e; COURSE_HOME=$$(mktemp -d); export COURSE_HOME $(TEST_SETTINGS); trap 'rm -rf "$$COURSE_HOME"' EXIT; \
	part() { name=$$1; shift; echo "+ $$name"; "$$@" --junitxml="$$COURSE_HOME/times/$$name.xml"; }; \
	$(if $(ONLY),part unit $(BIN)/pytest -q tests/unit/checks/test_lesson_$(ONLY).py; \
	part smoke env PRETEND_CUDA=1 $(BIN)/pytest -q tests/notebooks $(SOME),part unit $(BIN)/pytest -q $(FOUR) tests/unit tests/conformance; \
	part cuda env PRETEND_CUDA=1 $(BIN)/pytest -q -n 2 --maxschedchunk 1 tests/notebooks $(NAMES_A_DEVICE) tests/conformance tests/device $(ON_CUDA)); \
	part lesson $(BIN)/pytest -q -n 2 --dist loadfile $(NBVAL) $(if $(ONLY),notebooks/$(ONLY)_*.ipynb,notebooks); \
	part browser $(BIN)/pytest -q $(THREE) tests/browser $(SOME); \
	$(BIN)/python tests/times.py "$$COURSE_HOME/times"

bench: environment
	@COURSE_QUIET=1 $(BIN)/pytest -q -s tests/benchmarks

clean-notebooks: environment
	@$(BIN)/course clean
