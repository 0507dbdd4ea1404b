"""Who did what, when, and with which result: the audit log of the API server (audit.k8s.io/v1)."""
