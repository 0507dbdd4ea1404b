"""Commands: argument parsing and the composition root."""
