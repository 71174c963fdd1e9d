"""What is known of all customers together: counts, ranks, clusters, personas."""
