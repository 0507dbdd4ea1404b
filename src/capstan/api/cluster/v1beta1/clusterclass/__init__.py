"""ClusterClass as v1beta1 has it."""
