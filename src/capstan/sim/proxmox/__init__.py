"""A simulated Proxmox VE cluster: its REST API over a model, in memory and on real sockets."""
