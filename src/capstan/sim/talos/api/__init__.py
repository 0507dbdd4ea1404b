"""The Talos machine API as a simulated machine answers it: roles, methods, streams, COSI, and the proxy in apid."""
