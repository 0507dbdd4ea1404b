"""Simulated Talos machines: a state machine for each, its etcd, its services, and the API that it serves."""
