"""ClusterResourceSetBinding: the record of a cluster goes with its Cluster."""
