# Every target sets up what it needs, under .work, and does so once.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.DELETE_ON_ERROR:

PYTHON ?= $(shell .ci/python || echo python3)
BIN := $(CURDIR)/.work/venv/bin
COLLECTION := .work/ansible_collections/fullchain/tls

# Ansible sees this checkout as the collection, and keeps its own files out of the home directory.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.work
export ANSIBLE_HOME := $(CURDIR)/.work/ansible
export PATH := $(BIN):$(PATH)

LAB_PROGRAMS := podman=podman runc=runc netavark=netavark aardvark-dns=aardvark-dns iptables=iptables \
	mmdebstrap=mmdebstrap ssh=openssh-client
UNIT_PROGRAMS := nginx=nginx-light openssl=openssl curl=curl gnutls-cli=gnutls-bin node=nodejs javac=default-jdk-headless \
	easyrsa=easy-rsa postfix=postfix imap=dovecot-imapd pop3=dovecot-pop3d vsftpd=vsftpd slapd=slapd prosody=prosody apache2=apache2-bin \
	initdb=postgresql mariadbd=mariadb-server-core caddy=caddy
BENCH_PROGRAMS := prometheus-blackbox-exporter=prometheus-blackbox-exporter ab=apache2-utils

.PHONY: help demo test lint unit versions fuzz sanity molecule bench clean docs pins

help:  ## list the targets
	@sed -nE 's/^([a-z]+):.*## (.*)/\1\t\2/p' Makefile | expand -t 12

demo: .work/lab.stamp  ## obtain, deploy, verify and refuse a bad chain, on servers of its own
	@lab/demo/run

test: lint unit fuzz sanity molecule  ## all checks and all tests
	@echo "make test: lint, unit, fuzz, sanity and molecule have passed"

lint: .work/venv.stamp .work/lint.stamp  ## ruff, mypy, yamllint, ansible-lint, shellcheck
	ruff check
	ruff format --check
	mypy
	mypy lab/lab.py
	yamllint --strict .
	ansible-lint --offline
	git ls-files -co --exclude-standard -z | xargs --null awk 'FNR == 1 && /^#!.*sh$$/ { printf "%s%c", FILENAME, 0 }' \
		| xargs --null shellcheck

unit: .work/venv.stamp .work/unit.stamp  ## unit tests, and the judge's branch coverage
	pytest -n 2 --cov --cov-report=
	coverage report --include='*/plugin_utils/judge/*' --fail-under=100

fuzz: .work/venv.stamp  ## the fuzz targets for a minute, or SECONDS=600, or 0 for as long as you like
	@tests/fuzz/run $(SECONDS)

versions: .work/venv.stamp .work/unit.stamp  ## the tests marked core on other versions of ansible-core
	@.ci/versions $(VERSIONS)

sanity: .work/venv.stamp  ## ansible-test sanity, nothing ignored
	@.ci/sanity

molecule: .work/venv.stamp .work/lab.stamp  ## the scenarios in molecule/, or SCENARIOS="one another"
	@.ci/molecule $(SCENARIOS)

bench: .work/venv.stamp .work/lab.stamp .work/unit.stamp .work/bench.stamp  ## speed, beside what it is compared with
	@tests/bench/run

clean:  ## remove the labs, their images and .work
	@if command -v podman >/dev/null; then lab/lab clean; fi
	rm -rf .work .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis .ansible

docs: .work/venv.stamp .work/unit.stamp  ## write the generated parts of docs/ anew
	PYTHONPATH=.work python -m tests.documents
	DOCS=write pytest -q tests/unit/judge/test_real_clients.py -k the_table_in_docs

pins: .work/lint.stamp  ## write requirements-dev.txt anew from requirements-dev.in
	rm -rf .work/pins
	$(PYTHON) -m venv .work/pins
	.work/pins/bin/pip install -qq -r requirements-dev.in
	@{ echo '# Written by `make pins` from requirements-dev.in: everything that developing needs, to the version.'; \
	   .work/pins/bin/pip freeze | sed 's/^atheris==.*/&; platform_machine == "x86_64"/'; } >requirements-dev.txt
	rm -rf .work/pins

# --- what the targets need ------------------------------------------------------------------------------------------

.work/venv.stamp: requirements-dev.txt
	@mkdir -p $(dir $(COLLECTION))
	@ln -sfn ../../.. $(COLLECTION)
	@.ci/need ensurepip=python3-venv
	@echo "Setting up the virtual environment .work/venv"
	@rm -rf .work/venv
	@$(PYTHON) -m venv .work/venv
	@.work/venv/bin/pip install -qq --no-deps -r requirements-dev.txt
	@mkdir -p .work && touch $@

.work/lab.stamp: Makefile
	@.ci/need $(LAB_PROGRAMS)
	@mkdir -p .work && touch $@

.work/unit.stamp: Makefile
	@.ci/need $(UNIT_PROGRAMS)
	@mkdir -p .work && touch $@

.work/bench.stamp: Makefile
	@.ci/need $(BENCH_PROGRAMS)
	@mkdir -p .work && touch $@

.work/lint.stamp: Makefile
	@.ci/need shellcheck=shellcheck git=git
	@mkdir -p .work && touch $@
