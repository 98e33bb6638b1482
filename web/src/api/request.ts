/** Requests to the API. What is refused is thrown as a {@link Refusal}, with the problem details of the server. */
import type { components } from './schema';
import { signOut, token } from './session';

/** What was wrong, as RFC 9457 lays it down. */
export type ProblemDetails = components['schemas']['ProblemDetails'];

/** One problem of an environment file. */
export type FileProblem = components['schemas']['FileProblem'];

/** A request that was not done. */
export class Refusal extends Error {
  constructor(readonly problem: ProblemDetails) {
    super(problem.detail);
    this.name = 'Refusal';
  }
}

/** Where the API is: beside the page, also behind a path prefix. */
export function address(path: string): string {
  return new URL(`api/v1${path}`, document.baseURI).href;
}

/** Sends a request with the token of the session. */
export async function send(request: Request): Promise<Response> {
  const sent = token.value;
  if (sent !== null) request.headers.set('Authorization', `Bearer ${sent}`);
  let response: Response;
  try {
    response = await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new Refusal(unreachable());
  }
  if (response.ok) return response;
  // A session that has ended asks for a new one; a token that came meanwhile stays.
  if (response.status === 401 && token.value === sent) signOut();
  throw new Refusal(await problemOf(response));
}

/** The problem of an answer; one that the server did not write is told by its status. */
export async function problemOf(response: Response): Promise<ProblemDetails> {
  if (response.headers.get('Content-Type')?.startsWith('application/problem+json')) {
    return (await response.json()) as ProblemDetails;
  }
  const detail = `the server answers ${response.status} ${response.statusText}`;
  return { type: 'about:blank', title: response.statusText, status: response.status, detail, code: 'unexpected-answer' };
}

function unreachable(): ProblemDetails {
  return {
    type: 'about:blank',
    title: 'server unreachable',
    status: 0,
    detail: 'the server does not answer',
    code: 'server-unreachable',
    hint: 'start it with: slipway up',
  };
}
