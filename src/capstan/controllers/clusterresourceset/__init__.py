"""ClusterResourceSet: manifests from ConfigMaps and Secrets, applied to the clusters that it selects."""
