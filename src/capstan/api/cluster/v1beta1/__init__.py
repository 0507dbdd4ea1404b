"""Kinds of Cluster API's core as v1beta1 has them: served and converted, never stored."""
