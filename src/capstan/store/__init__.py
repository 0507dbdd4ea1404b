"""Where objects are kept: one ordered log of revisions, in memory or in one SQLite file."""
