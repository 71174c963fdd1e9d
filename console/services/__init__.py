"""What the API and pages need of the rest of Rapport: ports, and the answers that are worked out when asked."""
