"""The function libraries of Kubernetes, each a table of overloads by name."""
