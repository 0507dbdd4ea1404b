"""Kinds of IP address management as v1alpha1 has them: served and converted, never stored."""
