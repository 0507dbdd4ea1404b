"""MachineSet: a number of Machines from one template."""
