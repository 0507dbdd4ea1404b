"""MachineHealthCheck: which Machines are unhealthy, and that something is done about them."""
