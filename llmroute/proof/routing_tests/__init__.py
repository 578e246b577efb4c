"""Routing tests: what they expect, what came, what they cover, what else there is to test."""
