/** What the pages of runs ask of the API. */
import { address, send } from '../api/request';
import type { DeployBody, Deployment, Explanation, LogPage, PastDeployment, Phase, Plan } from './wire';

async function read<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await send(new Request(address(path), signal === undefined ? {} : { signal }));
  return (await response.json()) as T;
}

async function write(path: string, body: unknown): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return send(new Request(address(path), { method: 'POST', headers, body: JSON.stringify(body) }));
}

/** The path of an environment. */
function at(project: string, environment: string): string {
  return `/environments/${encodeURIComponent(project)}/${encodeURIComponent(environment)}`;
}

/** A deployment. */
export function deployment(id: string, signal?: AbortSignal): Promise<Deployment> {
  return read(`/deployments/${encodeURIComponent(id)}`, signal);
}

/** What happened in it, and why. */
export function explanation(id: string, signal?: AbortSignal): Promise<Explanation> {
  return read(`/deployments/${encodeURIComponent(id)}/explanation`, signal);
}

/** Deployments of an environment, newest first. */
export function deployments(
  project: string,
  environment: string,
  options: { cursor?: string; limit?: number },
  signal?: AbortSignal,
): Promise<{ items: PastDeployment[]; nextCursor?: string }> {
  const query = new URLSearchParams();
  if (options.cursor !== undefined) query.set('cursor', options.cursor);
  if (options.limit !== undefined) query.set('limit', String(options.limit));
  return read(`${at(project, environment)}/deployments?${query}`, signal);
}

/** Ends a deployment, or one service of it. */
export async function cancel(id: string, body: { service?: string; force?: boolean }): Promise<void> {
  await write(`/deployments/${encodeURIComponent(id)}/cancel`, body);
}

/** Lets a deployment go on into a stage, or not. */
export async function approve(id: string, body: { stage?: string; approved: boolean }): Promise<Deployment> {
  return (await (await write(`/deployments/${encodeURIComponent(id)}/approval`, body)).json()) as Deployment;
}

/** Asks for a deployment. */
export async function deploy(
  project: string,
  environment: string,
  body: DeployBody,
): Promise<Deployment & { joined: boolean }> {
  const response = await write(`${at(project, environment)}/deployments`, body);
  return (await response.json()) as Deployment & { joined: boolean };
}

/** What a deployment would do. */
export async function plan(project: string, environment: string, body: DeployBody): Promise<Plan> {
  return (await (await write(`${at(project, environment)}/plan`, body)).json()) as Plan;
}

/** Lines of a deployment's log. */
export function logLines(
  id: string,
  options: { service?: string; phase?: Phase; search?: string; cursor?: string; limit?: number },
  signal?: AbortSignal,
): Promise<LogPage> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(options)) if (value !== undefined) query.set(name, String(value));
  return read(`/deployments/${encodeURIComponent(id)}/logs?${query}`, signal);
}
