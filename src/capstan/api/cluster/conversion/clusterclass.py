"""ClusterClass between v1beta1 and v1beta2."""

from __future__ import annotations

from typing import Any, Final

from capstan.api.cluster.clusterclass.clusterclass import ClusterClass
from capstan.api.cluster.conversion.healthchecks import HEALTH_CHECK, STRATEGY, with_strategy_type
from capstan.api.cluster.conversion.moves import CONDITIONS, timeouts
from capstan.api.cluster.conversion.references import in_namespace, template_ref_up
from capstan.api.cluster.conversion.schemas import flags_meant
from capstan.api.conversion import (
    Converter,
    Move,
    Spoke,
    downgrade,
    each,
    move,
    stay,
    true_only,
    under,
    unless_empty,
    upgrade,
    without,
)
from capstan.api.fieldnames import FieldNames
from capstan.api.objects import Obj


def _template(spoke: str, hub: str) -> tuple[Move, ...]:
    return (move(spoke, hub, template_ref_up),)


def _naming(spoke: str = "namingStrategy", hub: str = "naming") -> Move:
    return move(f"{spoke}.template", f"{hub}.template", unless_empty, unless_empty)


_WORKERS: Final = (
    *_template("template.bootstrap.ref", "bootstrap.templateRef"),
    *_template("template.infrastructure.ref", "infrastructure.templateRef"),
    move("template.metadata", "metadata"),
    _naming(),
    *timeouts(),
)
_DEPLOYMENT: Final = (*_WORKERS, *HEALTH_CHECK, *STRATEGY, stay("failureDomain", down=unless_empty))
_CONTROL_PLANE: Final = (
    *_template("ref", "templateRef"),
    *_template("machineInfrastructure.ref", "machineInfrastructure.templateRef"),
    _naming(),
    *HEALTH_CHECK,
    *timeouts(),
)
_SELECTED: Final = (
    stay("selector.matchResources.controlPlane", true_only, true_only),
    stay("selector.matchResources.infrastructureCluster", true_only, true_only),
)
_SOURCES: Final = (stay("valueFrom.template", down=unless_empty), stay("valueFrom.variable", down=unless_empty))
_EXTENSIONS: Final = (
    move("external.generateExtension", "external.generatePatchesExtension", unless_empty, unless_empty),
    move("external.validateExtension", "external.validateTopologyExtension", unless_empty, unless_empty),
    stay("external.discoverVariablesExtension", unless_empty, unless_empty),
    stay("enabledIf", unless_empty, unless_empty),
)
_VARIABLE: Final = (
    move("metadata", "deprecatedV1Beta1Metadata"),
    stay("schema.openAPIV3Schema", flags_meant, flags_meant),
)


def _deployment_up(item: Obj) -> Obj:
    return _without_shell(with_strategy_type(upgrade(item, _DEPLOYMENT), ("rollout", "strategy")))


def _pool_up(item: Obj) -> Obj:
    return _without_shell(upgrade(item, _WORKERS))


def _without_shell(item: Obj) -> Obj:
    """v1beta2 has what a class is made from at its top: the former shell goes when nothing strange is in it."""
    return without(item, ("template",)) if item.get("template") == {} else item


def _deployment_down(item: Obj) -> Obj:
    return downgrade(item, _DEPLOYMENT)


def _pool_down(item: Obj) -> Obj:
    return downgrade(item, _WORKERS)


def _change_down(item: Obj) -> Obj:
    return downgrade(item, _SOURCES)


_DEFINITION: Final = (*_SELECTED, stay("jsonPatches", down=each(_change_down)))


def _definition_up(item: Obj) -> Obj:
    return upgrade(item, _DEFINITION)


def _definition_down(item: Obj) -> Obj:
    return downgrade(item, _DEFINITION)


_PATCH: Final = (*_EXTENSIONS, stay("definitions", each(_definition_up), each(_definition_down)))


def _patch_up(item: Obj) -> Obj:
    return _with_presence(item, upgrade(item, _PATCH))


def _patch_down(item: Obj) -> Obj:
    return _with_presence(item, downgrade(item, _PATCH))


def _with_presence(before: Obj, after: Obj) -> Obj:
    """That a patch is an external one is said by the field's presence, even where nothing is in it."""
    return {**after, "external": {}} if "external" in before and "external" not in after else after


def _variable_up(item: Obj) -> Obj:
    return upgrade(item, _VARIABLE)


def _variable_down(item: Obj) -> Obj:
    return downgrade(item, _VARIABLE)


_FOUND: Final = (
    stay("definitionsConflict", true_only, true_only),
    stay("definitions", each(_variable_up), each(_variable_down)),
)


def _found_up(item: Obj) -> Obj:
    return upgrade(item, _FOUND)


def _found_down(item: Obj) -> Obj:
    return downgrade(item, _FOUND)


def _control_plane_up(part: Any) -> Any:
    return upgrade(part, _CONTROL_PLANE) if isinstance(part, dict) else part


def _control_plane_down(part: Any) -> Any:
    return downgrade(part, _CONTROL_PLANE) if isinstance(part, dict) else part


_MOVES: Final = (
    *CONDITIONS,
    *_template("spec.infrastructure.ref", "spec.infrastructure.templateRef"),
    _naming("spec.infrastructureNamingStrategy", "spec.infrastructure.naming"),
    stay("spec.controlPlane", _control_plane_up, _control_plane_down),
    stay("spec.workers.machineDeployments", each(_deployment_up), each(_deployment_down)),
    stay("spec.workers.machinePools", each(_pool_up), each(_pool_down)),
    stay("spec.patches", each(_patch_up), each(_patch_down)),
    stay("spec.variables", each(_variable_up), each(_variable_down)),
    stay("status.variables", each(_found_up), each(_found_down)),
)
#: Where v1beta1 has references to templates: they are in the namespace of the class.
_REFS: Final = (
    "spec.infrastructure.ref",
    "spec.controlPlane.ref",
    "spec.controlPlane.machineInfrastructure.ref",
    "spec.controlPlane.machineHealthCheck.remediationTemplate",
    *(
        f"spec.workers.{workers}[].{ref}"
        for workers in ("machineDeployments", "machinePools")
        for ref in ("template.bootstrap.ref", "template.infrastructure.ref", "machineHealthCheck.remediationTemplate")
    ),
)


def _up(obj: Obj) -> Obj:
    return upgrade(obj, _MOVES)


def _down(obj: Obj) -> Obj:
    return in_namespace(downgrade(obj, _MOVES), _REFS)


_FIELDS: Final = (
    *_MOVES,
    *under("spec.controlPlane", _CONTROL_PLANE),
    *under("spec.workers.machineDeployments", _DEPLOYMENT),
    *under("spec.workers.machinePools", _WORKERS),
    *under("spec.patches", _PATCH),
    *under("spec.variables", _VARIABLE),
)

convert_clusterclass = Converter(
    "v1beta2", {"v1beta1": Spoke(_up, _down, fields=FieldNames(_FIELDS))}, struct=ClusterClass
)
