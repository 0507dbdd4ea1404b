"""Cluster: its infrastructure, its control plane, its workers, and the order in which they go."""
