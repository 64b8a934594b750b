"""Lose nothing, repeat nothing: spool, journal, worker, forwarder, audit."""
