"""How clients see it: Kubernetes verbs over the store."""
