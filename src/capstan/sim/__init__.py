"""A world in a process: simulated Proxmox VE, machines, workload clusters, faults, a virtual clock."""
