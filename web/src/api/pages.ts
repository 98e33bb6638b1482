/** Lists come in pages; this reads them all. */

/** A page of a list, as the API answers it. */
interface Page<Item> {
  items: Item[];
  nextCursor?: string;
}

/** All items of a list, page after page. */
export async function allItems<Item>(read: (query: { cursor?: string }) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  let query: { cursor?: string } = {};
  while (true) {
    const page = await read(query);
    items.push(...page.items);
    if (page.nextCursor === undefined) return items;
    query = { cursor: page.nextCursor };
  }
}
