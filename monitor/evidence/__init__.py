"""What is found out once when an incident opens: resolution, TCP, ping, TLS, path, last good values."""
