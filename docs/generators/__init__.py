"""Generators of the reference: each reads declarations in the code and gives Markdown."""
