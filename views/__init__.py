"""HTTP only: read the request, call one verb of the domain, render or go."""
