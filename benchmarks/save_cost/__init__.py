"""What one durable save costs: the committer alone, then the whole service over HTTP."""
