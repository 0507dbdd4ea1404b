"""Core decisions: one folder for each kind of the core provider."""
