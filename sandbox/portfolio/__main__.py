"""``python -m sandbox.portfolio``: the commands are in ``cli.py``."""

from __future__ import annotations

from sandbox.portfolio.cli import main

main(prog_name="python -m sandbox.portfolio")
