"""What people and tools read: one file a subject, from stored state to a document."""
