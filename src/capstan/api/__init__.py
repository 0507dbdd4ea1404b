"""What users write: typed kinds, defaults, validation and conversion. Pure, imports nothing of ours."""
