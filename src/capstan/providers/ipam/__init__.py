"""Addresses from pools: the in-cluster IPAM provider."""
