"""Giving back a number: a network with one of many nonlinearities learns the identity."""
