"""Histories of API operations under load and faults, and what they must not show: library code and its tests."""
