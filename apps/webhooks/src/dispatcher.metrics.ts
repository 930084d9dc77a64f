import type { AlertReason } from '@parley/domain';
import { ENDPOINT_STATES, type Backlog } from '@parley/persistence';
import type { Metrics } from '@parley/server-kit';
import type { PostingOutcome } from './sender/webhook-sender';

/** What an attempt came to: by the receiver's answer, or why there was none. `no_way_out` and `interrupted` are our fault. */
export type AttemptClass =
  '2xx' | '3xx' | '4xx' | '5xx' | 'timeout' | 'unreachable' | 'refused' | 'no_way_out' | 'interrupted';
export type SweptKind =
  | 'lost_job'
  | 'abandoned_delivery'
  | 'hopeless_delivery'
  | 'expired_delivery'
  | 'old_event'
  | 'old_validation'
  | 'old_removed'
  | 'removed_webhook'
  | 'followed_account'
  | 'due_validation'
  | 'lapsed_secret'
  | 'breaker_opened';

/** What the dispatcher counts. Never labelled by webhook, domain or URL: those are unbounded, and customers' data. */
export interface DispatcherMetrics {
  attempt(outcome: AttemptClass, seconds: number): void;
  /** A receiver said 2xx so many seconds after the event had happened, to the first attempt or to a later one. */
  told(attempt: 'first' | 'later', seconds: number): void;
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
  const latency = metrics.histogram('parley_webhook_latency_seconds', {
    help: 'From the event to the 2xx of a receiver, by whether the first attempt succeeded',
    labels: ['attempt'],
    buckets: [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60, 600, 3_600, 86_400],
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
  const undelivered = metrics.gauge('parley_webhook_oldest_undelivered_seconds', {
    help: 'Age of the oldest event that a webhook which is told things was not told, whatever it waits for',
  });
  const endpoints = metrics.gauge('parley_webhook_endpoints', {
    help: 'Webhooks by the state of their circuit breaker, or by why they are told nothing',
    labels: ['state'],
  });
  const unrelayed = metrics.gauge('parley_outbox_unrelayed', { help: 'Events that wait in the outbox' });
  return {
    attempt: (outcome, seconds) => attempts.observe({ outcome }, seconds),
    told: (attempt, seconds) => latency.observe({ attempt }, seconds),
    validation: (outcome) => validations.inc({ outcome }),
    alert: (reason) => alerts.inc({ reason }),
    relayed: (events) => relayed.inc(events),
    swept: (kind, count) => swept.inc({ kind }, count),
    workerReplaced: (queue) => replaced.inc({ queue }),
    backlog: (backlog) => {
      unfinished.set(backlog.unfinished);
      oldest.set(backlog.oldestDueSeconds);
      undelivered.set(backlog.oldestUndeliveredSeconds);
      for (const state of ENDPOINT_STATES) endpoints.set({ state }, backlog.endpoints[state]);
      unrelayed.set(backlog.unrelayed);
    },
  };
}

/** The bounded label for what became of a POST. */
export function attemptClass(outcome: PostingOutcome): AttemptClass {
  if (outcome.kind === 'no-way-out') return 'no_way_out';
  if (outcome.kind !== 'answered') return outcome.kind;
  if (outcome.status < 300) return '2xx';
  if (outcome.status < 400) return '3xx';
  return outcome.status < 500 ? '4xx' : '5xx';
}
