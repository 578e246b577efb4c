"""The way to a server: connections of our own, and those of httpx2 for the SDKs and for proxies."""
