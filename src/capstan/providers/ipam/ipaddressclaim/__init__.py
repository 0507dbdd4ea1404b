"""IPAddressClaim: gives each claim on an in-cluster pool an address of its own, and takes it back."""
