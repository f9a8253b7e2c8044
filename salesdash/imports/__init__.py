"""Files that somebody moves in with: read as a stream, handed over in chunks."""
