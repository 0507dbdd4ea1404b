"""Machine: one host that becomes one node, from its bootstrap data to its removal."""
