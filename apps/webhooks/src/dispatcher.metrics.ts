import type { AlertReason } from '@parley/domain';
import type { Backlog } from '@parley/persistence';
import type { Metrics } from '@parley/server-kit';

export type AttemptClass = 'delivered' | 'failed' | 'timeout' | 'refused' | 'interrupted';
export type SweptKind = 'lost_job' | 'abandoned_delivery' | 'removed_webhook' | 'due_validation' | 'lapsed_secret';

/** What the dispatcher counts. Never labelled by webhook, domain or URL: those are unbounded, and customers' data. */
export interface DispatcherMetrics {
  attempt(outcome: AttemptClass, seconds: number): void;
  validation(outcome: 'passed' | 'failed' | 'interrupted'): void;
  alert(reason: AlertReason): void;
  relayed(events: number): void;
  swept(kind: SweptKind, count: number): void;
  workerReplaced(queue: string): void;
  backlog(backlog: Backlog): void;
}

export function dispatcherMetrics(metrics: Metrics): DispatcherMetrics {
  const attempts = metrics.histogram('parley_webhook_attempt_seconds', {
    help: 'Attempts to deliver, by outcome',
    labels: ['outcome'],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 15],
  });
  const validations = metrics.counter('parley_webhook_validations_total', {
    help: 'Validation handshakes, by outcome',
    labels: ['outcome'],
  });
  const alerts = metrics.counter('parley_webhook_alerts_total', {
    help: 'Webhooks that warned, failed, were suspended, disabled or recovered',
    labels: ['reason'],
  });
  const relayed = metrics.counter('parley_outbox_relayed_total', { help: 'Events taken from the outbox' });
  const swept = metrics.counter('parley_webhook_swept_total', {
    help: 'What the sweeper had to put right',
    labels: ['kind'],
  });
  const replaced = metrics.counter('parley_webhook_workers_replaced_total', {
    help: 'Queue workers that had stopped without a word',
    labels: ['queue'],
  });
  const unfinished = metrics.gauge('parley_webhook_deliveries_unfinished', {
    help: 'Deliveries neither done nor failed',
  });
  const oldest = metrics.gauge('parley_webhook_oldest_due_seconds', { help: 'Age of the oldest delivery that is due' });
  const unrelayed = metrics.gauge('parley_outbox_unrelayed', { help: 'Events that wait in the outbox' });
  return {
    attempt: (outcome, seconds) => attempts.observe({ outcome }, seconds),
    validation: (outcome) => validations.inc({ outcome }),
    alert: (reason) => alerts.inc({ reason }),
    relayed: (events) => relayed.inc(events),
    swept: (kind, count) => swept.inc({ kind }, count),
    workerReplaced: (queue) => replaced.inc({ queue }),
    backlog: (backlog) => {
      unfinished.set(backlog.unfinished);
      oldest.set(backlog.oldestDueSeconds);
      unrelayed.set(backlog.unrelayed);
    },
  };
}
