"""Kinds of the Talos bootstrap provider, in the version that is stored (v1beta1)."""
