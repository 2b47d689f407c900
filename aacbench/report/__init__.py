"""The listening page: runs clip by clip, to hear, to read and to compare."""
