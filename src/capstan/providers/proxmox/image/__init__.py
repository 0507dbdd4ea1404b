"""Templates from images: what `capstan image ensure` does on a Proxmox VE node."""

from capstan.providers.proxmox.image.ensure import TemplateReady, TemplateWish, ensure_template

__all__ = ["TemplateReady", "TemplateWish", "ensure_template"]
