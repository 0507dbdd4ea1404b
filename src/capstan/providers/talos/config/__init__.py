"""Talos machine configuration: secrets, generation by version contract, patches, checks. Pure but for the keys."""
