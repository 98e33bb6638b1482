/**
 * The client of the API. Its types are made from `docs/reference/openapi.json` by `npm run generate`; what is refused is thrown as a
 * `Refusal`.
 */
import createClient from 'openapi-fetch';
import { send } from './request';
import type { components, paths } from './schema';

/** A type of the wire, by its name in the document of the API. */
export type Wire<Name extends keyof components['schemas']> = components['schemas'][Name];

/** The client: `client.GET('/api/v1/environments')`. It works below any path prefix. */
export const client = createClient<paths>({ baseUrl: base(document.baseURI), fetch: send });

/** Where the paths of the document begin, without a slash at its end. */
export function base(page: string): string {
  return new URL('.', page).href.replace(/\/$/, '');
}

/** What an operation answers; {@link send} has thrown what was refused. */
export async function answer<Data>(asked: Promise<{ data?: Data }>): Promise<Data> {
  const { data } = await asked;
  return data as Data;
}
