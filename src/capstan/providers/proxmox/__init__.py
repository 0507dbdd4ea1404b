"""Proxmox VE as an infrastructure provider."""
