"""Kinds of Cluster API's core, in the version that is stored (v1beta2)."""
