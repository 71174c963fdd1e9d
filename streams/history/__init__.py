"""History on its way in: events of long ago, in order of time, straight to the topics of their sources."""
