# Run `make` to see the targets, one line each.
PYTHON ?= python3
PORT ?= $(or $(CONVOKE_PORT),8000)
BIN := .venv/bin
CODE := $(wildcard *.py) domain views migrations tests benchmarks

.PHONY: help run serve test check faults bench lint types translations messages audit system
help:              ## print this list
	@sed -nE 's/^([a-z]+):[^#]*## */\1\t/p' Makefile | expand -t 14

run: .venv/run     ## rehearse on http://127.0.0.1:8000 (PORT=…): everything in var/, on 10 April 2017
	@CONVOKE_MODE=rehearsal CONVOKE_PORT=$(PORT) $(BIN)/flask --app app organiser demo
	@CONVOKE_MODE=rehearsal CONVOKE_PORT=$(PORT) exec $(BIN)/gunicorn

serve: .venv/run   ## serve for real: settings from the environment, none of them missing or weak
	@exec $(BIN)/gunicorn

test: .venv/dev node_modules/.package-lock.json system  ## everything that must pass: unit, view, mail, PostgreSQL and browser tests
	$(BIN)/python -m pytest -q -n auto --ignore=tests/browser --ignore=tests/faults
	$(BIN)/python -m pytest -q -n auto --dist loadfile --reruns 1 -r R tests/browser

check: lint types translations test audit  ## what CI runs: linters, types, translations, tests, audits

faults: SYSTEM += postfix:/usr/lib/postfix/sbin
faults: .venv/dev system  ## kill -9 while mails go out: nothing may be lost; and a real mail server, as root
	$(BIN)/python -m pytest -q tests/faults

bench: .venv/dev   ## print the tables of docs/performance.md
	@for file in benchmarks/*.py; do $(BIN)/python -m benchmarks.$$(basename $$file .py); done

lint: .venv/dev node_modules/.package-lock.json  ## Python, templates, CSS, JavaScript and words
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/djlint templates --lint --quiet
	$(BIN)/codespell
	npx stylelint 'static/*.css'

types: .venv/dev   ## check the types
	$(BIN)/mypy

translations: .venv/dev  ## fail when a string misses its French or Spanish
	$(BIN)/python -m pytest -q tests/test_translations.py

messages: .venv/dev  ## bring new strings into translations/, to be translated there
	@mkdir -p var
	$(BIN)/pybabel -q extract -F babel.cfg -k _l --no-location --sort-output -o var/messages.pot .
	for lang in fr es; do \
	  $(BIN)/pybabel -q update --no-fuzzy-matching --ignore-obsolete --no-wrap -i var/messages.pot -d translations -l $$lang; \
	  sed -Ei '/^"(Project|Report|POT|PO-R|Last|Language-T|Generated)/d' translations/$$lang/LC_MESSAGES/messages.po; done

audit: .venv/dev   ## packages that do not fit together, secrets and foreign paths in the tree
	$(BIN)/pip check
	! git grep -nIE -e '-----BEGIN [A-Z ]*PRIVATE KEY' -e '/(home|root|tmp)/[a-z]' -- . ':!tests' ':!Makefile'

# System packages that only the tests need; as root they are installed, otherwise it says what is missing.
# Postfix comes without a configuration, so that none is started but the one that a test starts.
SYSTEM := chromium:chromium chromium-headless-shell:chromium-headless-shell postgresql:/usr/lib/postgresql redis-server:redis-server \
          npm:npm default-jre-headless:java libreoffice-calc-nogui:soffice
system:
	@missing=; for pair in $(SYSTEM); do thing=$${pair#*:}; \
	  command -v $$thing >/dev/null || [ -d $$thing ] || missing="$$missing $${pair%%:*}"; done; \
	if [ -n "$$missing" ]; then \
	  if [ "$$(id -u)" = 0 ]; then case $$missing in *postfix*) \
	    echo postfix postfix/main_mailer_type select No configuration | debconf-set-selections;; esac; \
	    apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-remove $$missing; \
	  else echo "Please install first: apt-get install$$missing"; exit 1; fi; fi

.venv/run: requirements.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/dev: requirements-dev.txt .venv/run
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

node_modules/.package-lock.json: package.json package-lock.json | system
	npm ci --silent --no-audit --no-fund
