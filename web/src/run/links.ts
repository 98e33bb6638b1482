/** Addresses of other pages, below the server's path prefix. */

/** The page of a deployment. */
export function runLink(id: string, query = ''): string {
  return `/deployments/${encodeURIComponent(id)}${query}`;
}

/** A page of an environment. */
export function environmentLink(project: string, environment: string, below = ''): string {
  return `/environments/${encodeURIComponent(project)}/${encodeURIComponent(environment)}${below}`;
}

/** The page about a failure in the documentation. */
export function errorLink(code: string): string {
  return `https://slipway.dev/errors/${encodeURIComponent(code)}`;
}
