/** What the pages of runs ask of the API. */
import { answer, client } from '../api/client';
import type { DeployBody, Phase } from './wire';

/** A signal that ends a request, if one is given. */
function until(signal: AbortSignal | undefined): { signal: AbortSignal } | Record<string, never> {
  return signal === undefined ? {} : { signal };
}

/** A query of a log, whose cursor is the number of a line. */
function paged<Query extends { cursor?: string }>({ cursor, ...query }: Query) {
  return cursor === undefined ? query : { ...query, cursor: Number(cursor) };
}

/** A deployment. */
export function deployment(id: string, signal?: AbortSignal) {
  return answer(client.GET('/api/v1/deployments/{id}', { params: { path: { id } }, ...until(signal) }));
}

/** What happened in it, and why. */
export function explanation(id: string, signal?: AbortSignal) {
  return answer(client.GET('/api/v1/deployments/{id}/explanation', { params: { path: { id } }, ...until(signal) }));
}

/** Deployments of an environment, newest first. */
export function deployments(
  project: string,
  environment: string,
  query: { cursor?: string; limit?: number },
  signal?: AbortSignal,
) {
  const params = { path: { project, environment }, query };
  return answer(client.GET('/api/v1/environments/{project}/{environment}/deployments', { params, ...until(signal) }));
}

/** Ends a deployment, or one service of it. */
export async function cancel(id: string, body: { service?: string; force?: boolean }): Promise<void> {
  await client.POST('/api/v1/deployments/{id}/cancel', { params: { path: { id } }, body });
}

/** Lets a deployment go on into a stage, or not. */
export function approve(id: string, body: { stage?: string; approved: boolean }) {
  return answer(client.POST('/api/v1/deployments/{id}/approval', { params: { path: { id } }, body }));
}

/** Asks for a deployment. */
export function deploy(project: string, environment: string, body: DeployBody) {
  const params = { path: { project, environment } };
  return answer(client.POST('/api/v1/environments/{project}/{environment}/deployments', { params, body }));
}

/** What a deployment would do. */
export function plan(project: string, environment: string, body: DeployBody) {
  const params = { path: { project, environment } };
  return answer(client.POST('/api/v1/environments/{project}/{environment}/plan', { params, body }));
}

/** Lines of a deployment's log. */
export function logLines(
  id: string,
  query: { service?: string; phase?: Phase; search?: string; cursor?: string; at?: number; limit?: number },
  signal?: AbortSignal,
) {
  return answer(
    client.GET('/api/v1/deployments/{id}/logs', { params: { path: { id }, query: paged(query) }, ...until(signal) }),
  );
}

/** How many lines each step of a deployment has. */
export function logSections(id: string, signal?: AbortSignal) {
  return answer(client.GET('/api/v1/deployments/{id}/log-sections', { params: { path: { id } }, ...until(signal) }));
}
