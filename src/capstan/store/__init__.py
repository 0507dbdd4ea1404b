"""Where it is kept: one ordered log of revisions, in memory or in SQLite."""
