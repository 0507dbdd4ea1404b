"""Kinds of the add-ons group: what is applied to workload clusters besides their machines."""
