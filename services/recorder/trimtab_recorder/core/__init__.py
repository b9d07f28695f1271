"""What is written down about an event, and which entries of the streams nobody needs any more."""
