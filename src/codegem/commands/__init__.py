"""One thin function for each command, and what a person sees of it in a terminal."""
