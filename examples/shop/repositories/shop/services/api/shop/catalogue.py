import json
from contextlib import closing

import redis

CACHE_KEY = "products"
CACHE_SECONDS = 5


class Catalogue:
    """The products. A cache that is away makes it slower, not wrong."""

    def __init__(self, connect, cache):
        self._connect = connect
        self._cache = cache

    def products(self):
        """The products and where they came from: "cache" or "database"."""
        cached = self._cached()
        if cached is not None:
            return cached, "cache"
        products = self._query("SELECT id, name, price_cents, stock FROM products ORDER BY name")
        self._remember(products)
        return products, "database"

    def check(self):
        """Raises unless the database answers and has been migrated."""
        self._query("SELECT id FROM products LIMIT 1")

    def _query(self, statement):
        with closing(self._connect()) as connection, connection.cursor() as cursor:
            cursor.execute(statement)
            names = [column[0] for column in cursor.description]
            return [dict(zip(names, row)) for row in cursor]

    def _cached(self):
        try:
            value = self._cache.get(CACHE_KEY)
        except redis.RedisError as error:
            print(f"the cache does not answer: {error}", flush=True)
            return None
        return None if value is None else json.loads(value)

    def _remember(self, products):
        try:
            self._cache.set(CACHE_KEY, json.dumps(products), ex=CACHE_SECONDS)
        except redis.RedisError:
            pass  # said by _cached
