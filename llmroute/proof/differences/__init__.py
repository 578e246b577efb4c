"""What a change of a spec changes, and what it weakens."""
