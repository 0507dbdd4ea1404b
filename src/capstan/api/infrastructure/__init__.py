"""Kinds of the Proxmox VE provider, in the version that is stored (v1alpha2)."""
