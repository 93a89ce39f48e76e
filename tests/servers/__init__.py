"""Real servers for tests: child processes on loopback, each in a folder of its own."""
