"""The shop's API: products from the database, kept in the cache for some seconds."""
