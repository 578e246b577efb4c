"""Which language model answers which call: one file, resolved, explained, dispatched."""

__version__ = "0.1.0"
