import json
import unittest

import redis

from shop.catalogue import CACHE_KEY, Catalogue

ROWS = [(1, "Brass anchor", 4900, 12)]
PRODUCTS = [{"id": 1, "name": "Brass anchor", "price_cents": 4900, "stock": 12}]


class Connection:
    """A database connection that answers every query with ROWS."""

    description = [("id",), ("name",), ("price_cents",), ("stock",)]

    def cursor(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, *error):
        pass

    def __iter__(self):
        return iter(ROWS)

    def execute(self, statement):
        pass

    def close(self):
        pass


class Cache(dict):
    def set(self, key, value, ex):
        self[key] = value


class AbsentCache:
    def get(self, key):
        raise redis.ConnectionError("refused")

    def set(self, key, value, ex):
        raise redis.ConnectionError("refused")


class CatalogueTest(unittest.TestCase):
    def test_the_second_answer_comes_from_the_cache(self):
        cache = Cache()
        catalogue = Catalogue(Connection, cache)
        self.assertEqual(catalogue.products(), (PRODUCTS, "database"))
        self.assertEqual(json.loads(cache[CACHE_KEY]), PRODUCTS)
        self.assertEqual(catalogue.products(), (PRODUCTS, "cache"))

    def test_without_a_cache_the_database_answers(self):
        catalogue = Catalogue(Connection, AbsentCache())
        self.assertEqual(catalogue.products(), (PRODUCTS, "database"))
        self.assertEqual(catalogue.products(), (PRODUCTS, "database"))


if __name__ == "__main__":
    unittest.main()
