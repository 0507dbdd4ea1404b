"""MachinePool: machines that their provider makes and scales as one."""
