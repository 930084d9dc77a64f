import {
  accountKeyListSchema,
  accountListSchema,
  accountSchema,
  accountSecretSchema,
  auditListSchema,
  backendListSchema,
  backendSchema,
  createAccountKeySchema,
  createAccountSchema,
  createBackendSchema,
  createdAccountKeySchema,
  createdAccountSchema,
  createdDomainSchema,
  createdKeySchema,
  createDomainSchema,
  createKeySchema,
  domainListSchema,
  domainSchema,
  joinAnswerSchema,
  joinQuerySchema,
  joinRequestSchema,
  keyListSchema,
  regionsAnswerSchema,
  regionsQuerySchema,
  rotateKeySchema,
  rotateWebhookKeySchema,
  updateBackendSchema,
  updateDomainSchema,
  webhookKeySchema,
} from '@parley/contracts';
import { z } from 'zod';
import { ACCOUNT_OPERATIONS } from './account-operations';
import type { Operation } from './operation';
import { REGION_OPERATIONS } from './region-operations';
import { ROBOT_OPERATIONS } from './robot-operations';

const JOIN: Operation = {
  id: 'join',
  call: 'POST /join',
  summary: 'Ask for a ticket into a room',
  query: joinQuerySchema,
  body: joinRequestSchema,
  answer: joinAnswerSchema,
  caller: 'anybody',
};

/** Served by the front door of any region itself. */
const FRONT_DOOR: readonly Operation[] = [
  {
    id: 'findRegions',
    call: 'GET /v1/regions',
    summary: 'The regions, in the order in which this caller should choose',
    query: regionsQuerySchema,
    answer: regionsAnswerSchema,
    caller: 'anybody',
  },
  { id: 'ping', call: 'GET /ping', summary: 'Nothing, for measuring the way', caller: 'anybody' },
];

const ACCOUNTS: readonly Omit<Operation, 'caller'>[] = [
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
  {
    id: 'listAccountKeys',
    call: 'GET /v1/admin/accounts/{slug}/keys',
    summary: 'The bearer keys of an account, without the keys',
    answer: accountKeyListSchema,
  },
  {
    id: 'createAccountKey',
    call: 'POST /v1/admin/accounts/{slug}/keys',
    summary: 'Make a bearer key for an account',
    body: createAccountKeySchema,
    answer: createdAccountKeySchema,
    status: 201,
  },
  {
    id: 'revokeAccountKey',
    call: 'DELETE /v1/admin/accounts/{slug}/keys/{id}',
    summary: "Make an account's bearer key void",
  },
];

const DOMAINS: readonly Omit<Operation, 'caller'>[] = [
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

const BACKENDS: readonly Omit<Operation, 'caller'>[] = [
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

const KEYS: readonly Omit<Operation, 'caller'>[] = [
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
    query: z.object({ limit: z.number().int().min(1).max(1_000).default(100) }),
  },
];

/** Every call of our REST API. */
export const OPERATIONS: readonly Operation[] = [
  JOIN,
  ...FRONT_DOOR,
  ...ACCOUNT_OPERATIONS,
  ...ROBOT_OPERATIONS,
  ...[...ACCOUNTS, ...DOMAINS, ...REGION_OPERATIONS, ...BACKENDS, ...KEYS].map((operation) => ({
    ...operation,
    caller: 'operator' as const,
  })),
];
