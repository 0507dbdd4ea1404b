"""Capstan: Cluster API in Python."""
