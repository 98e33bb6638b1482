/** Addresses of other pages. They begin at the server's path prefix, also on a page whose routes are below an environment. */

const prefix = () => new URL(document.baseURI).pathname.replace(/\/$/, '');

/** The page of a deployment. */
export function runLink(id: string, query = ''): string {
  return `~${prefix()}/deployments/${encodeURIComponent(id)}${query}`;
}

/** A page of an environment. */
export function environmentLink(project: string, environment: string, below = ''): string {
  return `~${prefix()}/environments/${encodeURIComponent(project)}/${encodeURIComponent(environment)}${below}`;
}

/** The page about a failure in the documentation. */
export function errorLink(code: string): string {
  return `https://slipway.dev/errors/${encodeURIComponent(code)}`;
}
