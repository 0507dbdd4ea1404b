"""Kinds of the Talos bootstrap provider as v1alpha3 has them: served and converted, never stored."""
