"""Kubernetes' CustomResourceDefinition, by which a server learns new kinds."""
