"""What the service does: plain data in, models out. Knows neither Flask nor HTML pages."""
