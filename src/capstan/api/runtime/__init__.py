"""Kinds of the runtime group: services that take part in the life of clusters."""
