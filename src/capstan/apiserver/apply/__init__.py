"""Server-side apply: who owns which field, and what becomes of an object when somebody applies a configuration."""
