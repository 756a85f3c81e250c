# The names of the tasks; CONTRIBUTING.md says more. On Windows, run what stands behind each name.
PYTHON ?= .venv/bin/python
PINS ?= constraints/current.txt

.PHONY: setup test thorough parity style types javascript check webui wheel

setup:  ## a virtual environment with everything that the tests need
	python3 -m venv .venv
	$(PYTHON) -m pip install -c $(PINS) -e ".[test]"

test:  ## the suite
	$(PYTHON) -m pytest tests -n auto --dist loadfile

thorough:  ## also what takes long: in a browser, from a wheel, with programs killed midway
	$(PYTHON) -m pytest tests -n auto --dist loadfile --thorough

parity:  ## the numbers of the paper's own code
	$(PYTHON) -m pytest tests -m parity

style:  ## formatting and lint; `ruff format .` and `ruff check --fix .` mend most of it
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

types:
	$(PYTHON) -m mypy

javascript: node_modules/.package-lock.json  ## types and lint of the page's modules, and their tests without a browser
	npx tsc
	npx eslint .
	node --test tests/javascript/*.test.mjs

node_modules/.package-lock.json: package-lock.json
	npm ci --silent
	@touch $@

check: style types javascript thorough  ## what has to pass before a change is sent

webui:  ## in a real WebUI: make webui WEBUI=path/to/stable-diffusion-webui
	$(PYTHON) -m pytest tests/webui --webui-dir "$(WEBUI)" -v

wheel:
	$(PYTHON) -m pip wheel --no-deps -w dist .
