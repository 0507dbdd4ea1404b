"""Reviews: questions about rights and users that are answered and not kept."""
