"""MachineDeployment: a set of Machines under one name, and the MachineSet that makes them."""
