export * from './outbox-relay.store';
export * from './delivery.store';
export * from './standing-jobs.store';
export * from './validation.store';
export * from './webhook-secrets';
export * from './webhook-alerts';
