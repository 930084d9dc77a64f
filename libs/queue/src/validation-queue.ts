import type { WebhookId } from '@parley/domain';
import { openDeliveryQueue } from './bullmq/open-delivery-queue';

/** How the api asks the dispatcher, which alone reaches out, to do a handshake now. */
export interface ValidationQueue {
  /**
   * Wakes the dispatcher for a webhook whose handshake is due in PostgreSQL.
   * @throws QueueUnavailableError within two seconds; the dispatcher's sweeper then finds the due row some seconds later
   */
  request(webhookId: WebhookId): Promise<void>;
  close(): Promise<void>;
}

export interface ValidationQueueOptions {
  /** One URL, or several separated by commas: the nodes of a cluster. */
  readonly redisUrl: string;
  /** Trouble with Redis, for the log; the connection heals by itself. */
  readonly onTrouble?: (error: Error) => void;
}

/** Opens the api's end of the queue. */
export function createValidationQueue({ redisUrl, onTrouble }: ValidationQueueOptions): ValidationQueue {
  const events = { trouble: onTrouble ?? (() => undefined), replaced: () => undefined };
  const queue = openDeliveryQueue({ redisUrl, events });
  return { request: (webhookId) => queue.addValidation(webhookId, { first: true }), close: () => queue.close() };
}
