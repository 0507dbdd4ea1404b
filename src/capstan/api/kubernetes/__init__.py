"""Kubernetes' own kinds as facts: which there are, their messages and fields, their defaults and rules. Pure."""
