"""The kind of the Talos control plane provider (v1alpha3)."""
