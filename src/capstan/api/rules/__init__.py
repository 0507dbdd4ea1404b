"""Rules that several rooms share, pure: conditions, merge patches, etcd quorum, version skew, certificates."""
