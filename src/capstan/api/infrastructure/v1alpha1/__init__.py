"""Kinds of the Proxmox VE provider as v1alpha1 has them: served and converted, never stored."""
