"""The simulated calls, by subject: each takes a `Call` and gives what goes into `data`."""
