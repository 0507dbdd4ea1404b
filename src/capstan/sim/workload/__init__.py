"""The Kubernetes of simulated clusters: its API, its kubelets, and the clients that reach it."""
