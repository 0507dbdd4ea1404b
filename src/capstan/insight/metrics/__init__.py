"""The state of Cluster API's objects as metrics: what kube-state-metrics shows of them elsewhere."""
