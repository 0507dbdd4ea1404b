"""Kubernetes' Lease, by which replicas elect a leader."""
