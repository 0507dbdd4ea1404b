"""ClusterClass, the form of Clusters: what their parts are made from, which variables they have, what these change."""
