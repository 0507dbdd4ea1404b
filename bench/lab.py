"""Measures the management plane against the simulated lab: how clusters are made, and how workers are replaced.

    python bench/lab.py              # both
    python bench/lab.py creation     # 1, 10 and 100 clusters, then 1 and 10 with RSA-4096 keys
    python bench/lab.py rollout      # 100 workers, maxSurge 10%, beside 0 and beside 20 other clusters

Method. Everything runs as users run it, as processes of their own (`plane.py`):

* `capstan lab up --instant`: the simulated Proxmox VE and machines on real sockets; nothing takes time there but the
  work itself. Its CPU time is printed apart, since on a small machine it competes with the plane.
* `capstan up`: SQLite store with durability FULL on the disk of --directory, TLS, all controllers. A new data
  directory for each run. Keys of service accounts are ECDSA P-256; RSA-4096, which Talos 1.11 makes, is beside it.
* This script: posts the manifests of N clusters (from `capstan.generate`; 1 control plane, --workers workers) over
  HTTPS with the admin's client certificate, all at once, and watches Clusters and Machines until every Cluster is
  Available and every Machine Ready.

`start` is from the start of the process to the first 200 of /readyz; `working` until the line "Capstan is ready",
when all controllers work. `writes` are revisions of the store without the posted ones, `reconciles` the sum of
controller_runtime_reconcile_total, both from /metrics, until the plane has settled (two seconds without a write), by
machine. `idle writes` are those of the --idle seconds after that, `idle reconciles` likewise. `RSS` is VmRSS, `peak`
VmHWM of the plane. Each figure is also printed as a ratio to its aim: below 1.00 is better than the aim.

How a replacement is measured: the docstring of `rollout.py`.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from pathlib import Path

import rollout
from creation import Figures, create, report


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=("creation", "rollout"), help="one of the two; by default both")
    parser.add_argument("--clusters", type=int, nargs="*", default=[1, 10, 100], help="creations with ECDSA keys")
    parser.add_argument("--rsa", type=int, nargs="*", default=[1, 10], help="creations with RSA-4096 keys")
    parser.add_argument("--workers", type=int, default=3, help="workers of each cluster that is created")
    parser.add_argument("--rollout", type=int, default=100, help="workers that are replaced")
    parser.add_argument("--surge", default="10%", help="maxSurge of the replacement: a number or a percentage")
    parser.add_argument("--beside", type=int, nargs="*", default=[0, 20], help="other clusters, for each replacement")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds of idling that are looked at")
    parser.add_argument("--longest", type=float, default=600.0, help="seconds after which a run is given up")
    parser.add_argument("--directory", help="where the data directories are made; by default a temporary directory")
    parser.add_argument("--breakdown", action="store_true", help="writes by resource, reconciles by controller")
    parser.add_argument("--profile", default="", help="run the plane of a creation under cProfile and write it there")
    parser.add_argument("--profile-lab", default="", help="the same for the lab")
    options = parser.parse_args()
    options.surge = int(options.surge) if options.surge.isdigit() else options.surge
    return options


def create_all(options: argparse.Namespace, root: Path) -> None:
    found: list[Figures] = []
    for key, counts in (("ecdsa-p256", options.clusters), ("rsa-4096", options.rsa)):
        for count in counts:
            directory = root / f"{key}-{count}"
            directory.mkdir()
            figures = asyncio.run(create(count, key, options, directory))
            report(figures, options.breakdown)
            found.append(figures)
    made = [f for f in found if f.key == "ecdsa-p256"]
    if len(made) > 1:
        few, many = made[0], made[-1]
        print(f"\n{many.clusters} clusters to {few.clusters}, each machine (flat: 1.00): ", end="")
        print(f"writes {many.writes * few.machines / few.writes / many.machines:.2f}, ", end="")
        print(f"reconciles {many.reconciles * few.machines / few.reconciles / many.machines:.2f}")


def main() -> None:
    options = arguments()
    with tempfile.TemporaryDirectory(prefix="capstan-bench-", dir=options.directory) as root:
        if options.what != "rollout":
            create_all(options, Path(root))
        if options.what != "creation":
            rollout.measure(options, Path(root))


if __name__ == "__main__":
    main()
