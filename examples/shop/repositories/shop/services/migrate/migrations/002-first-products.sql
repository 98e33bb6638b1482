INSERT INTO products (name, price_cents, stock) VALUES
  ('Brass anchor',       4900, 12),
  ('Hemp rope, 20 m',    2350, 40),
  ('Signal lantern',     8900,  7),
  ('Ship''s bell',      12500,  3),
  ('Oilskin coat',       9900, 15);
