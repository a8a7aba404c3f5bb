# One word per action. Everything happens in .venv and target/; nothing is installed elsewhere.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PROFILE ?= release
DEVELOP = VIRTUAL_ENV=$(VENV) $(BIN)/maturin develop --profile $(PROFILE) --quiet --extras plot

.DEFAULT_GOAL := help
.PHONY: help demo dev test test-rust test-python report-test lint fmt bench docs docs-test wheel-test coverage clean

help: ## say what each verb does
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/maturin:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gazesim needs Python 3.11 or later; try: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet 'maturin>=1.7,<2'

demo: $(BIN)/maturin ## build, install into .venv, compare synthetic gaze under all schemes
	$(DEVELOP)
	$(BIN)/gazesim demo

dev: $(BIN)/maturin ## build and install with everything that the tests and checks need
	$(BIN)/python -m pip install --quiet --group develop
	$(DEVELOP)

test: PROFILE := quick
test: test-rust test-python ## run all Rust and Python tests

test-rust:
	cargo test --package gazesim-core --profile quick --quiet

# A file of tests goes to one of up to four processes; more than one thread each would only fight for cores.
test-python: dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

report-test: dev ## try HTML reports in the system's chromium (with chromedriver)
	$(BIN)/python -m pip install --quiet --group browser
	GAZESIM_CHROMIUM=$$(command -v chromium || command -v google-chrome) \
		$(BIN)/python -m pytest -s tests/report/test_report_in_chromium.py

lint: dev ## check style, types, lints and stubs
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- --deny warnings
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	MYPYPATH=python $(BIN)/python -m mypy.stubtest gazesim._core

fmt: dev ## put everything into the house style
	cargo fmt --all
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

bench: dev ## measure against the peers; answers are compared before anything is timed
	$(BIN)/python benchmarks/run.py

docs: dev ## build the site into docs/_build/html; a warning is an error
	$(BIN)/python -m pip install --quiet --group docs
	$(BIN)/codespell docs/*.md docs/guides docs/coming_from docs/api/*.md README.md CHANGELOG.md CONTRIBUTING.md python/gazesim examples
	rm -rf docs/api/generated docs/gallery
	$(BIN)/python -m sphinx -W --keep-going -b html -d docs/_build/doctrees docs docs/_build/html

wheel-test: $(BIN)/maturin ## build wheel and sdist; install the wheel into a new environment without Rust and use it
	rm -rf target/wheel-test
	VIRTUAL_ENV=$(VENV) $(BIN)/maturin build --profile $(PROFILE) --locked --sdist --out target/wheel-test
	$(BIN)/python -m venv target/wheel-test/env
	target/wheel-test/env/bin/python -m pip install --quiet "$$(ls target/wheel-test/*.whl)[plot]"
	cd target/wheel-test && env PATH=/usr/bin:/bin PYTHONPATH= sh -c '! command -v cargo && ! command -v rustc \
		&& env/bin/gazesim demo --out demo.png && env/bin/gazesim example tour && env/bin/gazesim look tour/gaze/anna.tsv'

docs-test: dev ## execute the README and every example in a docstring
	$(BIN)/python -m pytest -k 'docstring or readme or example' tests/test_package.py \
		tests/torch/test_documentation.py tests/train/test_train_documentation.py
	RUSTDOCFLAGS='--deny warnings' cargo doc --package gazesim-core --no-deps --quiet

coverage: dev ## which Python lines the tests reach
	$(BIN)/python -m pytest --cov=gazesim --cov-report=term

clean: ## remove what was built
	rm -rf $(VENV) target python/gazesim/_core.*.so python/gazesim/_core.pyd
