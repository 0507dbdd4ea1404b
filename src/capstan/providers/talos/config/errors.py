"""What is wrong with a machine configuration, and where."""

from __future__ import annotations


class ConfigError(ValueError):
    """`path` names the field (`machine.network.hostname`, `KubeletConfig.image`, `strategicPatches[1]`). The
    message never quotes values: configurations hold secrets."""

    def __init__(self, why: str, path: str = "") -> None:
        super().__init__(f"{path}: {why}" if path else why)
        self.why = why
        self.path = path

    def under(self, prefix: str) -> ConfigError:
        """The same error seen from further out."""
        joined = f"{prefix}: {self.path}" if self.path else prefix
        return ConfigError(self.why, joined)
