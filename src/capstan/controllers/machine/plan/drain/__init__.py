"""How a node is emptied before its host goes: which pods are evicted when, and what is waited for (2.6, 2.7)."""
