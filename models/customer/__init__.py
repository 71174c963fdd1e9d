"""What one customer comes to: figures that are worked out when somebody looks, from what the profile keeps."""
