import {
  accountKeyListSchema,
  createAccountKeySchema,
  createdAccountKeySchema,
  createdWebhookSchema,
  createWebhookSchema,
  deliveriesQuerySchema,
  deliveryDetailsSchema,
  deliveryListSchema,
  deliverySchema,
  eventPageSchema,
  eventsQuerySchema,
  ownDomainSchema,
  recoverSchema,
  replaySchema,
  resentSchema,
  rotatedSecretSchema,
  rotateSecretSchema,
  rotateWebhookKeySchema,
  testedWebhookSchema,
  updateOwnDomainSchema,
  updateWebhookSchema,
  validationOutcomeSchema,
  webhookDetailsSchema,
  webhookKeySchema,
  webhookListSchema,
  webhookSchema,
  webhookSecretListSchema,
  webhooksQuerySchema,
  webhookValidationListSchema,
} from '@parley/contracts';
import type { Operation } from './operation';

type AccountOperation = Omit<Operation, 'caller'>;

const WEBHOOKS: readonly AccountOperation[] = [
  {
    id: 'listWebhooks',
    call: 'GET /v1/webhooks',
    summary: "A domain's webhooks",
    query: webhooksQuerySchema,
    answer: webhookListSchema,
  },
  {
    id: 'createWebhook',
    call: 'POST /v1/webhooks',
    summary: 'Add a webhook; waits up to 5 s for its handshake',
    body: createWebhookSchema,
    answer: createdWebhookSchema,
    status: 201,
  },
  {
    id: 'getWebhook',
    call: 'GET /v1/webhooks/{id}',
    summary: 'One webhook and how it fares',
    answer: webhookDetailsSchema,
  },
  {
    id: 'updateWebhook',
    call: 'PATCH /v1/webhooks/{id}',
    summary: 'Change a webhook; at a new URL it has to prove itself',
    body: updateWebhookSchema,
    answer: webhookSchema,
  },
  { id: 'deleteWebhook', call: 'DELETE /v1/webhooks/{id}', summary: 'Remove a webhook; what waits for it is given up' },
  {
    id: 'validateWebhook',
    call: 'POST /v1/webhooks/{id}/validate',
    summary: 'Do the handshake now; waits up to 5 s for it',
    answer: validationOutcomeSchema,
  },
  {
    id: 'listValidations',
    call: 'GET /v1/webhooks/{id}/validations',
    summary: 'The last 100 handshakes',
    answer: webhookValidationListSchema,
  },
  { id: 'pauseWebhook', call: 'POST /v1/webhooks/{id}/pause', summary: 'Let deliveries wait', answer: webhookSchema },
  {
    id: 'resumeWebhook',
    call: 'POST /v1/webhooks/{id}/resume',
    summary: 'Deliver again what waits; also after we disabled the webhook',
    answer: webhookSchema,
  },
  {
    id: 'testWebhook',
    call: 'POST /v1/webhooks/{id}/test',
    summary: 'Have a `webhookTest` event delivered to it',
    answer: testedWebhookSchema,
    status: 202,
  },
  {
    id: 'rotateWebhookSecret',
    call: 'POST /v1/webhooks/{id}/secret/rotate',
    summary: 'Give a webhook a new signing secret',
    body: rotateSecretSchema,
    bodyOptional: true,
    answer: rotatedSecretSchema,
  },
  {
    id: 'listWebhookSecrets',
    call: 'GET /v1/webhooks/{id}/secrets',
    summary: 'When the secrets that sign now were made and end; not the secrets',
    answer: webhookSecretListSchema,
  },
];

const DELIVERIES: readonly AccountOperation[] = [
  {
    id: 'listDeliveries',
    call: 'GET /v1/webhooks/{id}/deliveries',
    summary: "A webhook's deliveries, newest first",
    query: deliveriesQuerySchema,
    answer: deliveryListSchema,
  },
  {
    id: 'recoverDeliveries',
    call: 'POST /v1/webhooks/{id}/recover',
    summary: 'Send what was given up, 10,000 at a time',
    body: recoverSchema,
    answer: resentSchema,
    status: 202,
  },
  {
    id: 'replayEvents',
    call: 'POST /v1/webhooks/{id}/replay',
    summary: 'Send events, those it got and those it never got, in their order, 10,000 at a time',
    body: replaySchema,
    answer: resentSchema,
    status: 202,
  },
  {
    id: 'getDelivery',
    call: 'GET /v1/deliveries/{id}',
    summary: 'One delivery with its attempts',
    answer: deliveryDetailsSchema,
  },
  {
    id: 'resendDelivery',
    call: 'POST /v1/deliveries/{id}/resend',
    summary: 'Send a delivery again at once, whatever became of it',
    answer: deliverySchema,
    status: 202,
  },
];

const OTHERS: readonly AccountOperation[] = [
  {
    id: 'readEvents',
    call: 'GET /v1/events',
    summary: "Read a domain's events in their order, as an alternative to being told; may wait for some",
    query: eventsQuerySchema,
    answer: eventPageSchema,
  },
  {
    id: 'getOwnDomain',
    call: 'GET /v1/domains/{name}',
    summary: 'What a domain of the account is set to',
    answer: ownDomainSchema,
  },
  {
    id: 'updateOwnDomain',
    call: 'PATCH /v1/domains/{name}',
    summary: 'Change that',
    body: updateOwnDomainSchema,
    answer: ownDomainSchema,
  },
  {
    id: 'rotateOwnWebhookKey',
    call: 'POST /v1/domains/{name}/webhook-key/rotate',
    summary: 'Give a domain of the account a new webhook key',
    body: rotateWebhookKeySchema,
    bodyOptional: true,
    answer: webhookKeySchema,
  },
  {
    id: 'listOwnKeys',
    call: 'GET /v1/keys',
    summary: 'The bearer keys of the account, without the keys',
    answer: accountKeyListSchema,
    proof: 'signature',
  },
  {
    id: 'createOwnKey',
    call: 'POST /v1/keys',
    summary: 'Make a bearer key; it is good in all regions of the account',
    body: createAccountKeySchema,
    answer: createdAccountKeySchema,
    status: 201,
    proof: 'signature',
  },
  {
    id: 'revokeOwnKey',
    call: 'DELETE /v1/keys/{id}',
    summary:
      'Make a bearer key void; the header `x-parley-lagging-regions` names regions that have not heard of it yet',
    proof: 'signature',
  },
];

/** The calls of accounts: with a bearer key, or signed as calls of the xroom API are. */
export const ACCOUNT_OPERATIONS: readonly Operation[] = [...WEBHOOKS, ...DELIVERIES, ...OTHERS].map((operation) => ({
  ...operation,
  caller: 'account',
}));
