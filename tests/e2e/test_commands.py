"""The other commands as users run them: demo, generate, image, up and down."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from tests.e2e.programs import CAPSTAN, HOMELAB, KUBECTL, Lab, Plane, Shell, run


def test_the_demo_does_the_whole_main_job() -> None:
    done = run(CAPSTAN, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("control-plane   ") == 3
    assert "no VM, disk, ISO or address" in done.stdout


def test_a_demo_that_fails_says_why_and_ends_with_1(tmp_path: Path) -> None:
    broken = tmp_path / "cluster.yaml"
    broken.write_text(HOMELAB.read_text().replace("templateID: 9000", "templateID: 4711"))
    done = run(CAPSTAN, "demo", "--manifests", str(broken), "--step-seconds", "6")
    assert done.returncode == 1
    assert "4711" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_state_outlives_a_restart_and_down_ends_cleanly(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    Shell(plane.kubeconfig).kubectl("create", "configmap", "kept", "--from-literal=a=b")
    done = run(CAPSTAN, "down", "--data-dir", str(plane.directory))
    assert done.returncode == 0, done.stderr
    assert plane.end() == 0
    again = Plane(plane.directory)
    assert "b" in Shell(again.kubeconfig).kubectl("get", "configmap", "kept", "-o", "jsonpath={.data.a}")
    assert again.end() == 0
    refused = run(CAPSTAN, "down", "--data-dir", str(plane.directory))
    assert refused.returncode == 1
    assert "no management plane runs" in refused.stderr


def test_incomplete_credentials_are_named(tmp_path: Path) -> None:
    environment = {"PROXMOX_URL": "https://127.0.0.1:1", "PROXMOX_SECRET": "hush-hush"}
    done = run(CAPSTAN, "up", "--data-dir", str(tmp_path), "--port", "0", environment=environment)
    assert done.returncode == 1
    assert "PROXMOX_TOKEN" in done.stderr
    assert "hush-hush" not in done.stdout + done.stderr


def test_generated_manifests_apply_as_they_are(tmp_path: Path) -> None:
    config = tmp_path / "homelab.yaml"
    assert run(CAPSTAN, "generate", "config", "--file", str(config)).returncode == 0
    assert "exists" in run(CAPSTAN, "generate", "config", "--file", str(config)).stderr
    changed = run(CAPSTAN, "generate", "config", "--file", str(config), "--set", "workers.0.replicas=3")
    assert changed.returncode == 0, changed.stderr
    assert "# Machines of the pool." in config.read_text()
    assert yaml.safe_load(config.read_text())["workers"][0]["replicas"] == 3
    refused = run(CAPSTAN, "generate", "config", "--file", str(config), "--set", "controlPlane.replicas=2")
    assert "was not changed" in refused.stderr
    plane = Plane(tmp_path / "data")
    shell = Shell(plane.kubeconfig)
    for style in ("v1beta1", "v1beta2"):
        made = run(CAPSTAN, "generate", "cluster", f"c-{style}", "-f", str(config), "--api", style)
        assert made.returncode == 0, made.stderr
        applied = run(KUBECTL, "apply", "--validate=strict", "-f", "-", environment=shell.environment, text=made.stdout)
        assert applied.returncode == 0, applied.stderr
        assert applied.stdout.count("created") == 7
        warnings = [line for line in applied.stderr.splitlines() if "deprecated" not in line]
        assert warnings == []
    assert plane.end() == 0


def test_bad_parameters_are_refused_with_all_reasons(tmp_path: Path) -> None:
    done = run(
        CAPSTAN,
        *("generate", "cluster", "x", "--vip", "10.0.0.5", "--addresses", "10.0.0.2-10.0.0.9"),
        *("--gateway", "10.0.0.1", "--template-id", "9000", "--control-plane-replicas", "4"),
    )
    assert done.returncode == 1
    assert "controlPlane.replicas: 4 is even" in done.stderr
    assert "the virtual IP 10.0.0.5 lies in" in done.stderr


def test_a_new_host_gets_its_template_and_then_a_cluster(tmp_path: Path) -> None:
    lab = Lab("--without-template")
    ensure = (CAPSTAN, "image", "ensure", "--node", "pve1", "--vmid", "9000", "--disk-storage", "tank")
    first = run(*ensure, environment=lab.environment)
    assert first.returncode == 0, first.stderr
    assert first.stdout == "pve1 9000\n"
    second = run(*ensure, environment=lab.environment)
    assert second.stdout == first.stdout
    assert "already" in second.stderr
    plane = Plane(tmp_path / "data", lab.environment)
    shell = Shell(plane.kubeconfig)
    made = shell.capstan(
        *("generate", "cluster", "fresh", "--vip", "192.168.0.30", "--addresses", "192.168.0.20-192.168.0.29"),
        *("--gateway", "192.168.0.1", "--node", "pve1", "--template-id", "9000", "--worker-replicas", "1"),
    )
    shell.kubectl("apply", "-f", "-", text=made)
    shell.kubectl("wait", "--for=condition=Available", "cluster/fresh", "--timeout=60s")
    assert plane.end() == 0
    assert lab.end() == 0


STUCK = """
apiVersion: cluster.x-k8s.io/v1beta2
kind: Cluster
metadata: {name: stuck, namespace: default, finalizers: [example.org/nobody-answers]}
spec:
  infrastructureRef: {apiGroup: infrastructure.cluster.x-k8s.io, kind: ProxmoxCluster, name: stuck}
"""


def test_a_stuck_deletion_is_forced_by_one_command_that_asks_first(tmp_path: Path) -> None:
    plane = Plane(tmp_path / "data")
    shell = Shell(plane.kubeconfig)
    shell.kubectl("apply", "-f", "-", text=STUCK)
    assert "deletion has begun" in shell.capstan("delete", "cluster", "stuck")
    shell.kubectl("wait", "cluster/stuck", "--for=jsonpath={.metadata.deletionTimestamp}", "--timeout=20s")
    asked = run(CAPSTAN, "delete", "cluster", "stuck", "--force", environment=shell.environment, text="n\n")
    assert asked.returncode == 1
    assert "Cluster stuck (held by example.org/nobody-answers" in asked.stdout
    assert "stuck" in shell.kubectl("get", "clusters", "-o", "name")
    assert "force deleted" in shell.capstan("delete", "cluster", "stuck", "--force", "--yes")
    assert shell.kubectl("get", "clusters", "-o", "name") == ""
    for options in ((), ("--force", "--yes"), ("--force",)):
        again = run(CAPSTAN, "delete", "cluster", "stuck", *options, environment=shell.environment)
        assert (again.returncode, again.stderr) == (1, 'Error: Cluster "stuck" not found in namespace default\n')
    assert "--force" in run(CAPSTAN, "delete", "cluster", "stuck", "--yes", environment=shell.environment).stderr
    said = shell.kubectl("get", "events", "--field-selector=reason=ForcedDeletion", "-o=jsonpath={.items[*].message}")
    assert said == "deleted by force; may be left behind: nothing outside is known of"
    lines = [json.loads(line) for line in (plane.directory / "audit" / "audit.log").read_text().splitlines()]
    forced = [ln for ln in lines if ln["userAgent"] == "capstan delete cluster --force" and ln["verb"] != "list"]
    assert {line["verb"] for line in forced} == {"delete", "patch"}
    assert {line["objectRef"]["name"] for line in forced} == {"stuck"}
    assert {line["user"]["username"] for line in forced} != {""}
    assert plane.end() == 0
    down = run(CAPSTAN, "delete", "cluster", "stuck", "--force", "--yes", environment=shell.environment)
    assert down.returncode == 1
    assert down.stderr.startswith("Error: ") and "Traceback" not in down.stderr and down.stderr.count("\n") == 1
