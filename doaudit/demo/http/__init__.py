"""The simulated account over HTTP: endpoints, JSON, faults on the wire and a loopback server."""
