"""The programs of the end-to-end tests: `capstan` and `kubectl` as users run them."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

BIN = Path(sys.executable).parent
CAPSTAN = str(BIN / "capstan")
KUBECTL = str(BIN / "kubectl")
REPOSITORY = Path(__file__).parents[2]
HOMELAB = REPOSITORY / "examples" / "homelab" / "cluster.yaml"
INTRODUCTION = REPOSITORY / "examples" / "introduction" / "cluster.yaml"

#: Nothing of the developer's own surroundings may leak into a test.
CLEAN = {
    name: value
    for name, value in os.environ.items()
    if not name.startswith(("PROXMOX_", "KUBE", "HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy"))
}


class Program:
    """A program that runs until it is ended. `wait_for` reads its output up to a line that matches."""

    def __init__(self, *command: str, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            command,
            env={**CLEAN, "PYTHONUNBUFFERED": "1", **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def wait_for(self, pattern: str) -> re.Match[str]:
        """The first line that matches. Raises AssertionError with all output when the program ends before."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            match = re.search(pattern, line)
            if match:
                return match
        raise AssertionError(f"ended with {self.process.wait()} before a line matched {pattern!r}:\n{self.output}")

    def end(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and give the exit status; what it printed meanwhile is in `output`."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        # Not `communicate`: it would leave out what `wait_for` has read ahead.
        if not self.process.stdout.closed:
            self.output += self.process.stdout.read()
            self.process.stdout.close()
        return self.process.wait(timeout=60)


class Lab(Program):
    """`capstan lab up`; `environment` is what it says to export."""

    def __init__(self, *options: str) -> None:
        super().__init__(CAPSTAN, "lab", "up", "--pve-port", "0", "--proxy-port", "0", *options)
        self.environment: dict[str, str] = {}
        while "NO_PROXY" not in self.environment:
            match = self.wait_for(r"^export (\w+)=(.*)$")
            self.environment[match[1]] = match[2].strip("'")


class Plane(Program):
    """`capstan up` on a data directory and a free port."""

    def __init__(self, directory: Path, environment: dict[str, str] | None = None, *options: str) -> None:
        super().__init__(CAPSTAN, "up", "--data-dir", str(directory), "--port", "0", *options, environment=environment)
        self.directory = directory
        self.url = self.wait_for(r"ready at (\S+)")[1]
        self.wait_for("export KUBECONFIG")

    @property
    def kubeconfig(self) -> Path:
        return self.directory / "kubeconfig"


def run(*command: str, environment: dict[str, str] | None = None, text: str = "") -> subprocess.CompletedProcess[str]:
    """Run to the end; both outputs captured."""
    return subprocess.run(
        command, env={**CLEAN, **(environment or {})}, input=text, capture_output=True, text=True, timeout=300
    )


class Shell:
    """`kubectl` and `capstan` with one kubeconfig."""

    def __init__(self, kubeconfig: Path, environment: dict[str, str] | None = None) -> None:
        self.environment = {**(environment or {}), "KUBECONFIG": str(kubeconfig), "HOME": str(kubeconfig.parent)}

    def kubectl(self, *arguments: str, text: str = "") -> str:
        """Standard output of a kubectl that must succeed."""
        done = run(KUBECTL, *arguments, environment=self.environment, text=text)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout

    def kubectl_fails(self, *arguments: str, text: str = "") -> str:
        """Standard error of a kubectl that must be refused."""
        done = run(KUBECTL, *arguments, environment=self.environment, text=text)
        assert done.returncode != 0, f"kubectl {' '.join(arguments)} succeeded:\n{done.stdout}"
        return done.stderr

    def capstan(self, *arguments: str) -> str:
        done = run(CAPSTAN, *arguments, environment=self.environment)
        assert done.returncode == 0, f"capstan {' '.join(arguments)}\n{done.stdout}{done.stderr}"
        return done.stdout
