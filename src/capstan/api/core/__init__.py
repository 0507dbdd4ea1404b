"""Kubernetes' own kinds of the core group that a management plane needs, and the references that all kinds share."""
