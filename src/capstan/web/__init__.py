"""The page: static files that speak the same watch API as kubectl."""
