"""What the simulated exchange is, apart from sockets, files and clocks."""
