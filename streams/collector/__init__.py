"""The HTTP collector: Segment's Tracking API in front of the source topics."""
