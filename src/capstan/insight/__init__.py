"""What you can ask: read-only views over the same engine."""
