import { webhookState, type WebhookStanding, type WebhookState } from './webhook';

const at = new Date('2026-11-21T12:00:00Z');
const well: WebhookStanding = {
  validated: true,
  failedValidations: 0,
  suspendedAt: null,
  pausedAt: null,
  disabledAt: null,
  disabledReason: null,
};

it.each<[string, Partial<WebhookStanding>, WebhookState]>([
  ['well', {}, { kind: 'active' }],
  [
    'before its handshake, also after earlier ones failed',
    { validated: false, failedValidations: 2 },
    { kind: 'pending' },
  ],
  ['after a failed re-validation', { failedValidations: 1 }, { kind: 'warning', failedValidations: 1 }],
  ['after three', { failedValidations: 3, suspendedAt: at }, { kind: 'suspended', since: at }],
  ['paused before its handshake', { validated: false, pausedAt: at }, { kind: 'paused', since: at }],
  [
    'whatever else is the matter',
    { validated: false, pausedAt: at, suspendedAt: at, disabledAt: at, disabledReason: 'gone' },
    { kind: 'disabled', since: at, reason: 'gone' },
  ],
])('%s', (_when, standing, state) => {
  expect(webhookState({ ...well, ...standing })).toEqual(state);
});
