/** What the address says beside the path: every tab, service and line can be linked. */
import { useSearchParams } from 'wouter-preact';

/** The parameters of the address, and a function that changes some of them; `null` takes one out. */
export function useQuery(): [URLSearchParams, (changes: Record<string, string | null>) => void] {
  const [query, setQuery] = useSearchParams();
  const change = (changes: Record<string, string | null>) => setQuery((before) => changed(before, changes), { replace: true });
  return [query, change];
}

/** Parameters with some of them changed. */
export function changed(query: URLSearchParams, changes: Record<string, string | null>): URLSearchParams {
  const result = new URLSearchParams(query);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null) result.delete(name);
    else result.set(name, value);
  }
  return result;
}

/** The part of an address that names parameters. */
export function search(query: URLSearchParams, changes: Record<string, string | null>): string {
  return `?${changed(query, changes)}`;
}
