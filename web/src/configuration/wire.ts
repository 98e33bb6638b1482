/** What the API says of files, secrets, targets and credentials. */
import type { Wire } from '../api/client';

export type AppliedView = Wire<'AppliedView'>;
export type CheckView = Wire<'CheckView'>;
export type DeliveryView = Wire<'DeliveryView'>;
export type MadeNotificationView = Wire<'MadeNotificationView'>;
export type MessageView = Wire<'MessageView'>;
export type NewNotification = Wire<'NewNotification'>;
export type NotificationView = Wire<'NotificationView'>;
export type MadeWebhookView = Wire<'MadeWebhookView'>;
export type WebhookView = Wire<'WebhookView'>;
export type CredentialView = Wire<'CredentialView'>;
export type NewCredential = Wire<'NewCredential'>;
export type NewTarget = Wire<'NewTarget'>;
export type RunningServiceView = Wire<'RunningServiceView'>;
export type RunningView = Wire<'RunningView'>;
export type SecretView = Wire<'SecretView'>;
export type TargetView = Wire<'TargetView'>;
