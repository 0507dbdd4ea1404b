"""TalosConfig: the machine configuration of one Machine, as its bootstrap data."""
