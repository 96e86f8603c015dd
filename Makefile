# make demo: install what is needed, repair the sample article, name the report.
# make test: install what the tests need, run them all.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
DEMO = demo

.PHONY: demo test install install-dev clean

demo: install
	mkdir -p $(DEMO)
	$(BIN)/mt-repair run -s corpora/samples/diplomacy.ru.txt -t corpora/samples/diplomacy.mt.txt \
		-r corpora/samples/diplomacy.ref.txt --force \
		-o $(DEMO)/run.jsonl --fixed $(DEMO)/diplomacy.fixed.txt --report $(DEMO)/review.html --diff
	$(BIN)/mt-repair score $(DEMO)/diplomacy.fixed.txt -r corpora/samples/diplomacy.ref.txt \
		--baseline corpora/samples/diplomacy.mt.txt
	@echo
	@echo "The report, to open in a browser: $(DEMO)/review.html"

test: install-dev
	$(BIN)/ruff check .
	$(BIN)/python -m pytest

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet uv
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --editable .
	touch $@

install-dev: install $(VENV)/.installed-dev

$(VENV)/.installed-dev: pyproject.toml
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --group dev
	touch $@

clean:
	rm -rf $(VENV) $(DEMO) build dist *.egg-info
