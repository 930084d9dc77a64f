import {
  accountListSchema,
  accountSchema,
  accountSecretSchema,
  auditListSchema,
  backendListSchema,
  backendSchema,
  createAccountSchema,
  createBackendSchema,
  createdAccountSchema,
  createdDomainSchema,
  createdKeySchema,
  createDomainSchema,
  createKeySchema,
  domainListSchema,
  domainSchema,
  joinAnswerSchema,
  joinRequestSchema,
  keyListSchema,
  rotateKeySchema,
  rotateWebhookKeySchema,
  updateBackendSchema,
  updateDomainSchema,
  webhookKeySchema,
} from '@parley/contracts';
import type { z } from 'zod';

/** One call of our REST API as the document tells of it. */
export interface Operation {
  readonly id: string;
  readonly call: `${'GET' | 'POST' | 'PATCH' | 'DELETE'} /${string}`;
  readonly summary: string;
  readonly body?: z.ZodType;
  /** Absent: 204 without a body. */
  readonly answer?: z.ZodType;
  /** 200 by default, 204 without an answer. */
  readonly status?: 200 | 201;
  /** Behind the operator's key, on the operator's port. */
  readonly admin: boolean;
  readonly query?: Readonly<Record<string, object>>;
}

const JOIN: Operation = {
  id: 'join',
  call: 'POST /join',
  summary: 'Ask for a ticket into a room',
  body: joinRequestSchema,
  answer: joinAnswerSchema,
  admin: false,
};

const ACCOUNTS: readonly Omit<Operation, 'admin'>[] = [
  { id: 'listAccounts', call: 'GET /v1/admin/accounts', summary: 'All accounts', answer: accountListSchema },
  {
    id: 'createAccount',
    call: 'POST /v1/admin/accounts',
    summary: 'Make an account',
    body: createAccountSchema,
    answer: createdAccountSchema,
    status: 201,
  },
  {
    id: 'rotateAccountSecret',
    call: 'POST /v1/admin/accounts/{slug}/rotate-secret',
    summary: 'Give an account a new secret',
    answer: accountSecretSchema,
  },
  {
    id: 'disableAccount',
    call: 'POST /v1/admin/accounts/{slug}/disable',
    summary: 'Shut an account out',
    answer: accountSchema,
  },
];

const DOMAINS: readonly Omit<Operation, 'admin'>[] = [
  { id: 'listDomains', call: 'GET /v1/admin/domains', summary: 'All domains of this region', answer: domainListSchema },
  {
    id: 'createDomain',
    call: 'POST /v1/admin/domains',
    summary: 'Make a domain at home in this region',
    body: createDomainSchema,
    answer: createdDomainSchema,
    status: 201,
  },
  { id: 'getDomain', call: 'GET /v1/admin/domains/{name}', summary: 'One domain', answer: domainSchema },
  {
    id: 'updateDomain',
    call: 'PATCH /v1/admin/domains/{name}',
    summary: 'Change settings of a domain',
    body: updateDomainSchema,
    answer: domainSchema,
  },
  {
    id: 'deleteDomain',
    call: 'DELETE /v1/admin/domains/{name}',
    summary: 'Delete a domain that has no open rooms, with all it has',
  },
  {
    id: 'rotateWebhookKey',
    call: 'POST /v1/admin/domains/{name}/webhook-key/rotate',
    summary: 'Give a domain a new webhook key',
    body: rotateWebhookKeySchema,
    answer: webhookKeySchema,
  },
];

const BACKENDS: readonly Omit<Operation, 'admin'>[] = [
  { id: 'listBackends', call: 'GET /v1/admin/backends', summary: 'All Nextcloud backends', answer: backendListSchema },
  {
    id: 'createBackend',
    call: 'POST /v1/admin/backends',
    summary: 'Let a Nextcloud use this cluster for signaling',
    body: createBackendSchema,
    answer: backendSchema,
    status: 201,
  },
  {
    id: 'updateBackend',
    call: 'PATCH /v1/admin/backends/{id}',
    summary: 'Change settings or secrets of a Nextcloud; its sessions stay',
    body: updateBackendSchema,
    answer: backendSchema,
  },
  {
    id: 'deleteBackend',
    call: 'DELETE /v1/admin/backends/{id}',
    summary: 'Shut a Nextcloud out: its sessions end, its rooms are closed',
  },
];

const KEYS: readonly Omit<Operation, 'admin'>[] = [
  { id: 'listKeys', call: 'GET /v1/admin/keys', summary: 'All operator keys, without the keys', answer: keyListSchema },
  {
    id: 'createKey',
    call: 'POST /v1/admin/keys',
    summary: 'Make an operator key',
    body: createKeySchema,
    answer: createdKeySchema,
    status: 201,
  },
  {
    id: 'rotateKey',
    call: 'POST /v1/admin/keys/{name}/rotate',
    summary: 'Make a key in the place of another, which is void then',
    body: rotateKeySchema,
    answer: createdKeySchema,
    status: 201,
  },
  { id: 'revokeKey', call: 'DELETE /v1/admin/keys/{name}', summary: 'Make a key void' },
  {
    id: 'listAudit',
    call: 'GET /v1/admin/audit',
    summary: 'What operators did, newest first',
    answer: auditListSchema,
    query: { limit: { type: 'integer', minimum: 1, maximum: 1_000, default: 100 } },
  },
];

/** Every call of our REST API. */
export const OPERATIONS: readonly Operation[] = [
  JOIN,
  ...[...ACCOUNTS, ...DOMAINS, ...BACKENDS, ...KEYS].map((operation) => ({ ...operation, admin: true })),
];
