"""`capstan demo`: the whole main job in the lab, step by step, with the real kubectl."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click


@click.command()
@click.option("--keep", is_flag=True, help="Leave the cluster running and print what to type next.")
@click.option("--data-dir", type=click.Path(file_okay=False), help="State of the demo; by default a temporary one.")
@click.option("--manifests", type=click.Path(exists=True, dir_okay=False), help="Manifests instead of the home lab's.")
@click.option("--step-seconds", default=90.0, show_default=True, help="How long each step may take.")
def demo(keep: bool, data_dir: str | None, manifests: str | None, step_seconds: float) -> None:
    """Build, scale and delete a cluster in the simulated lab.

    Starts a management plane and the lab in this process, applies examples/homelab/cluster.yaml with kubectl, shows
    the cluster come up, scales it, uses it and deletes it. Exits with 0 when all of it worked.
    """
    from capstan.cli.logs import configure_logs
    from capstan.cli.running import run
    from capstan.cli.show.demo import Demo

    configure_logs(verbose=False)
    path = Path(manifests) if manifests else example_manifests()
    if data_dir:
        run(Demo(Path(data_dir), path, keep, step_seconds).run())
        return
    with tempfile.TemporaryDirectory(prefix="capstan-demo-") as directory:
        run(Demo(Path(directory), path, keep, step_seconds).run())


def example_manifests() -> Path:
    """The home lab's manifests: in the wheel beside the package, else in the checkout."""
    import capstan

    package = Path(capstan.__file__).parent
    for candidate in (package / "examples" / "homelab.yaml", package.parents[1] / "examples/homelab/cluster.yaml"):
        if candidate.exists():
            return candidate
    raise click.ClickException("the example manifests are not installed; name some with --manifests")
