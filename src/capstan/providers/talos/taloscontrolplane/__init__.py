"""TalosControlPlane: the Machines that a cluster's API server and etcd run on."""
