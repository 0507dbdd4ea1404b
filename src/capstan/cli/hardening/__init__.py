"""The self-audit of a management plane by the items of the CIS benchmark that apply: facts, checks, their report."""
