"""ProxmoxCluster: what the machines of a cluster share: endpoint, address pools, credentials."""
