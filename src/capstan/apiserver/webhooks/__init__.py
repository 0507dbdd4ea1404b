"""Calls of webhooks: where they are (`clientconfig`), and one guarded HTTPS client for all of them (`client`)."""
