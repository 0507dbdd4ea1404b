"""What to declare: parameters in, manifests out. Pure."""

from capstan.generate.config import default_config
from capstan.generate.manifests import cluster_manifests
from capstan.generate.parameters import (
    ControlPlane,
    Network,
    Parameters,
    Proxmox,
    Talos,
    Workers,
    json_schema,
)
from capstan.generate.reading import ParameterError, Problem, read_parameters
from capstan.generate.rendering import render

__all__ = [
    "ControlPlane",
    "Network",
    "ParameterError",
    "Parameters",
    "Problem",
    "Proxmox",
    "Talos",
    "Workers",
    "cluster_manifests",
    "default_config",
    "json_schema",
    "read_parameters",
    "render",
]
