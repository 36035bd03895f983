# Two commands to know: `make run` serves a demo, `make test` shows that everything holds.
PYTHON ?= python3
BIN := .venv/bin
VAR := $(CURDIR)/var
BIND ?= 127.0.0.1:8000

export EXAMAPP_DATABASE_URL ?= sqlite:///$(VAR)/examapp.db
export EXAMAPP_KEY_FOLDER ?= $(VAR)/keys
export EXAMAPP_PUBLIC_URL ?= http://$(BIND)
export EXAMAPP_SECURE_COOKIES ?= 0

.PHONY: run test faults demo lint env features translations

run: env ## a demo service on this machine, with one account per role; stays up until Ctrl-C
	@EXAMAPP_SECRET_KEY=$$($(BIN)/python .ci/secret.py $(VAR)/secret) $(BIN)/examapp demo-service --bind $(BIND)

demo: env ## the main job by itself: simulated trainees, real verbs, signed records, a stranger's check
	@$(BIN)/python -m benchmarks.demo

test: env ## everything: the whole test suite, static checks and contracts among it
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal

faults: env ## the long fault runs: kills, power cuts, disk errors, cut connections, database restarts; prints the table
	@$(BIN)/python -m tests.faults

lint: env ## ruff, mypy, import contracts
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache > $(VAR)/imports.txt || (cat $(VAR)/imports.txt; exit 1)

features: env ## the table of feature rows that tests show
	@$(BIN)/python .ci/features.py

translations: env ## collect new texts into the Chinese catalog and name those that are not translated
	@$(BIN)/python .ci/translations.py

env: ## the environment in .venv, from the hash-locked requirements
	@mkdir -p $(VAR)
	@$(PYTHON) .ci/env.py
	@$(BIN)/pybabel -q compile -d examapp/web/translations
