"""What the demo shows: its steps, kubectl, and the live tree."""
