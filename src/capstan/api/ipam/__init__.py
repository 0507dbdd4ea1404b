"""Kinds of IP address management and of its in-cluster provider."""
