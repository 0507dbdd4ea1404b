"""MutatingWebhookConfiguration and ValidatingWebhookConfiguration: programs elsewhere that are asked about writes.

`Webhooks` keeps what is configured as it changes; `WebhookChain` is the link of the admission chain that asks them.
"""

from __future__ import annotations

from capstan.apiserver.webhooks.admission.chain import WebhookChain
from capstan.apiserver.webhooks.admission.view import Webhooks

__all__ = ["WebhookChain", "Webhooks"]
