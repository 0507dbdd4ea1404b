"""All kinds that Capstan serves."""

from __future__ import annotations

from typing import Final

from capstan.api.addons.kinds import KINDS as ADDONS
from capstan.api.bootstrap.kinds import KINDS as BOOTSTRAP
from capstan.api.builtins import KINDS as BUILT_IN
from capstan.api.cluster.kinds import KINDS as CLUSTER
from capstan.api.controlplane.kinds import KINDS as CONTROL_PLANE
from capstan.api.infrastructure.kinds import KINDS as INFRASTRUCTURE
from capstan.api.ipam.kinds import KINDS as IPAM
from capstan.api.kinds import Scheme
from capstan.api.runtime.kinds import KINDS as RUNTIME

SCHEME: Final = Scheme((*BUILT_IN, *CLUSTER, *ADDONS, *RUNTIME, *INFRASTRUCTURE, *BOOTSTRAP, *CONTROL_PLANE, *IPAM))
