# The targets, one line each: make
PYTHON ?= python3
PORT ?= $(or $(CONVOKE_PORT),8000)
BIN := .venv/bin

.PHONY: help run serve test check
help:            ## print this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+: +##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 12

run: .venv/run.stamp  ## rehearse on http://127.0.0.1:8000 (PORT=…): SQLite and mails in var/, on 10 April 2017
	@CONVOKE_MODE=rehearsal CONVOKE_PORT=$(PORT) $(BIN)/flask --app app organiser demo
	@CONVOKE_MODE=rehearsal CONVOKE_PORT=$(PORT) exec $(BIN)/gunicorn

serve: .venv/run.stamp  ## serve for real: settings from the environment, none of them weak
	@exec $(BIN)/gunicorn

.venv/run.stamp: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@
