/** The calls of the API about environment files, secrets, what runs, targets and credentials. */
import { answer, client } from '../api/client';
import { allItems } from '../api/pages';
import type {
  AppliedView,
  DeliveryView,
  MadeNotificationView,
  MadeWebhookView,
  MessageView,
  NewCredential,
  NewNotification,
  NewTarget,
  NotificationView,
  SecretView,
  WebhookView,
} from './wire';

/** Which environment. */
export interface Place {
  project: string;
  environment: string;
}

export interface ReadFile {
  text: string;
  version: number;
}

/** A file is sent as it is. */
const AS_YAML = { bodySerializer: (text: string) => text, headers: { 'Content-Type': 'application/yaml' } };

/** The stored file, and the version of the environment that it is of. */
export async function readFile(path: Place): Promise<ReadFile> {
  const { data, response } = await client.GET('/api/v1/environments/{project}/{environment}/file', {
    params: { path },
    headers: { Accept: 'application/yaml' },
    parseAs: 'text',
    cache: 'no-store',
  });
  return read(data, response);
}

function read(data: unknown, response: Response): ReadFile {
  return { text: String(data), version: Number((response.headers.get('ETag') ?? '0').replaceAll('"', '')) };
}

/** What applying the file would do. */
export function validateFile(text: string, signal: AbortSignal): Promise<AppliedView> {
  return answer(
    client.POST('/api/v1/environments:validate', { params: { query: { prune: true } }, body: text, signal, ...AS_YAML }),
  );
}

/** Applies a file to an environment of this version, or makes a new one. */
export function applyFile(text: string, version: number | 'new', prune: boolean): Promise<AppliedView> {
  const header = version === 'new' ? { 'If-None-Match': '*' } : { 'If-Match': `"${version}"` };
  return answer(client.POST('/api/v1/environments:apply', { params: { query: { prune }, header }, body: text, ...AS_YAML }));
}

/** The secrets of an environment, or of a project. */
export interface Secrets {
  /** Which are declared, and which of them have a value. */
  list: () => Promise<SecretView[]>;
  set: (secret: string, value: string) => Promise<unknown>;
}

export const secretsOf = (path: Place): Secrets => ({
  list: () => answer(client.GET('/api/v1/environments/{project}/{environment}/secrets', { params: { path } })),
  set: (secret, value) =>
    client.PUT('/api/v1/environments/{project}/{environment}/secrets/{secret}', {
      params: { path: { ...path, secret } },
      body: { value },
    }),
});

export const secretsOfProject = (project: string): Secrets => ({
  list: () => answer(client.GET('/api/v1/projects/{project}/secrets', { params: { path: { project } } })),
  set: (secret, value) =>
    client.PUT('/api/v1/projects/{project}/secrets/{secret}', { params: { path: { project, secret } }, body: { value } }),
});

export const readProject = (project: string) =>
  answer(client.GET('/api/v1/projects/{project}', { params: { path: { project } } }));

/** The file of a project, and the version of what it gives: 0 as long as it gives nothing. */
export async function readProjectFile(project: string): Promise<ReadFile> {
  const { data, response } = await client.GET('/api/v1/projects/{project}/file', {
    params: { path: { project } },
    headers: { Accept: 'application/yaml' },
    parseAs: 'text',
    cache: 'no-store',
  });
  return read(data, response);
}

export const validateProject = (text: string, signal: AbortSignal) =>
  answer(client.POST('/api/v1/projects:validate', { body: text, signal, ...AS_YAML }));

export const applyProject = (text: string, version: number) =>
  answer(client.POST('/api/v1/projects:apply', { params: { header: { 'If-Match': `"${version}"` } }, body: text, ...AS_YAML }));

export const readRunning = (path: Place) =>
  answer(client.GET('/api/v1/environments/{project}/{environment}/running', { params: { path } }));

/** Runs a cron job now. */
export const runJob = (path: Place, service: string) =>
  client.POST('/api/v1/environments/{project}/{environment}/services/{service}/runs', {
    params: { path: { ...path, service } },
    body: {},
  });

export const listTargets = () => allItems((query) => answer(client.GET('/api/v1/targets', { params: { query } })));

export const addTarget = (body: NewTarget) => answer(client.POST('/api/v1/targets', { body }));

export const readDoctor = async () => (await answer(client.GET('/api/v1/doctor'))).checks;

export const readVersion = () => answer(client.GET('/api/v1/version'));

export const listCredentials = (project: string) =>
  allItems((query) => answer(client.GET('/api/v1/projects/{project}/credentials', { params: { path: { project }, query } })));

export const setCredential = (project: string, credential: string, body: NewCredential) =>
  client.PUT('/api/v1/projects/{project}/credentials/{credential}', { params: { path: { project, credential } }, body });

export const removeCredential = (project: string, credential: string) =>
  client.DELETE('/api/v1/projects/{project}/credentials/{credential}', { params: { path: { project, credential } } });

export const listWebhooks = (): Promise<WebhookView[]> =>
  allItems((query) => answer(client.GET('/api/v1/webhooks', { params: { query } })));

/** @param project absent: environments of all projects follow */
export const makeWebhook = (host: string, project: string | undefined): Promise<MadeWebhookView> =>
  answer(client.POST('/api/v1/webhooks', { body: { host, ...(project === undefined ? {} : { project }) } }));

export const deleteWebhook = (webhook: string) =>
  client.DELETE('/api/v1/webhooks/{webhook}', { params: { path: { webhook } } });

export const listDeliveries = (webhook: string): Promise<DeliveryView[]> =>
  answer(client.GET('/api/v1/webhooks/{webhook}/deliveries', { params: { path: { webhook }, query: {} } }));

export const listNotifications = (): Promise<NotificationView[]> =>
  allItems((query) => answer(client.GET('/api/v1/notifications', { params: { query } })));

export const makeNotification = (body: NewNotification): Promise<MadeNotificationView> =>
  answer(client.POST('/api/v1/notifications', { body }));

export const deleteNotification = (notification: string) =>
  client.DELETE('/api/v1/notifications/{notification}', { params: { path: { notification } } });

export const pingNotification = (notification: string): Promise<MessageView> =>
  answer(client.POST('/api/v1/notifications/{notification}/ping', { params: { path: { notification } } }));

export const listMessages = (notification: string): Promise<MessageView[]> =>
  answer(client.GET('/api/v1/notifications/{notification}/deliveries', { params: { path: { notification }, query: {} } }));
