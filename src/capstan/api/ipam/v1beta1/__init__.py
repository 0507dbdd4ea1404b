"""Kinds of IP address management as v1beta1 has them: served and converted, never stored."""
