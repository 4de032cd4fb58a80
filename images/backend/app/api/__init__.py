"""The HTTP interface: dependencies, errors and routers."""
