"""What `rapport up` needs: embedded servers, and processes that end together."""
