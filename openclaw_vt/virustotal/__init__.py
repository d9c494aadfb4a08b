"""Reputation: the port, its VirusTotal adapters, and a loopback VirusTotal to try them on."""
