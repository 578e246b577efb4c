"""`python -m llmroute`."""

from llmroute.cli import main

main(prog_name="llmroute")
