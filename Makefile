# Forwards to make.py, which also works where make is not installed: python make.py demo
PYTHON ?= python3

.PHONY: demo test lint clean
demo test lint clean:
	@$(PYTHON) make.py $@
