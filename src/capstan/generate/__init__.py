"""What to declare: parameters in, manifests out. Pure."""
