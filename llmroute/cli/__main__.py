"""`python -m llmroute.cli`."""

from llmroute.cli import main

main(prog_name="llmroute")
