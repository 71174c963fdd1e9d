"""Signing in by way of somebody else."""
