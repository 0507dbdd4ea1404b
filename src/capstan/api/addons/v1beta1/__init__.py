"""The add-ons group as v1beta1 has it."""
