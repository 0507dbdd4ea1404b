"""ProxmoxMachine: one virtual machine, from its reservation to its removal."""
