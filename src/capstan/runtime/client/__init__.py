"""The client protocol and its two implementations: in-process, and HTTP to any Kubernetes."""
