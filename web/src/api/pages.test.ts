import { expect, test } from 'vitest';
import { allItems } from './pages';

test('a list is read page after page, from the cursor that the page before gave', async () => {
  const asked: (string | undefined)[] = [];
  const pages: Record<string, { items: number[]; nextCursor?: string }> = {
    first: { items: [1, 2], nextCursor: 'second' },
    second: { items: [], nextCursor: 'third' },
    third: { items: [3] },
  };
  const items = await allItems((query) => {
    asked.push(query.cursor);
    return Promise.resolve(pages[query.cursor ?? 'first'] ?? { items: [] });
  });
  expect(items).toEqual([1, 2, 3]);
  expect(asked).toEqual([undefined, 'second', 'third']);
});
