"""Simulated delivery events for development: signed as a provider signs them, and posted to the real receiver."""

from emails.simulation.payloads import TYPES
from emails.simulation.posting import Simulated, SimulationError, find_email, simulate

__all__ = ["TYPES", "Simulated", "SimulationError", "find_email", "simulate"]
