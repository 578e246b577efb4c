"""Diagnostics in the formats that people and machines read: text, json, github, sarif."""
