"""What all tests share: how Hypothesis draws its examples."""

from __future__ import annotations

from hypothesis import HealthCheck, settings

# The same examples on every machine, and none of them timed: slow machines fail no property.
settings.register_profile(
    "capstan", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("capstan")
