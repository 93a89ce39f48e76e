"""What every test has: real servers when asked for, and no sockets otherwise."""

pytest_plugins = ["tests.servers.plugin", "tests.fixtures"]
