"""Role-based access control: rules, who has them, what may be granted, the default roles, and aggregation."""
