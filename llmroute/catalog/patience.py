"""How long a call is waited for where neither a spec nor a program says it."""

from __future__ import annotations

TIMEOUT_S = 600.0
"""How long a call may take where nothing says otherwise: local models on small machines are slow."""
CONNECT_S = 10.0
"""A server that does not accept a connection within this many seconds is not there."""
