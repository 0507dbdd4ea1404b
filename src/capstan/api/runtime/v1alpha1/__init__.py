"""The runtime group as v1alpha1 has it."""
