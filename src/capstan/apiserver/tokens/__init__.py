"""Tokens of ServiceAccounts: the keys that sign them, what they say, how they are made, verified and revoked."""
