"""Talos Linux as a bootstrap and control plane provider."""
