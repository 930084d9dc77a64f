/** All keys of the queues lie in one slot of a cluster: BullMQ's scripts touch several at once. */
export const QUEUE_PREFIX = '{parley}';

export const DELIVERIES = 'deliveries';
export const VALIDATIONS = 'validations';

/** Options of every job: nothing is kept, because an id that exists as failed would never run again (measured). */
export const JOB_OPTIONS = { removeOnComplete: true, removeOnFail: true, attempts: 1 } as const;

/** The event stream of a queue serves dashboards only; it must not fill the Redis. */
export const EVENT_STREAM_OPTIONS = { events: { maxLen: 100 } } as const;
