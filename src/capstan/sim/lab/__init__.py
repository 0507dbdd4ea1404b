"""The simulated world on real sockets: one proxy on loopback, and the servers behind it."""
