"""Templates from images: what `capstan image ensure` does on a Proxmox VE node."""

from capstan.providers.proxmox.image.ensure import TemplateReady, TemplateWish, ensure_template
from capstan.providers.proxmox.image.factory import FactoryImage

__all__ = ["FactoryImage", "TemplateReady", "TemplateWish", "ensure_template"]
