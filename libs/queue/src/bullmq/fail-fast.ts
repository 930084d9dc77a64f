import { QueueUnavailableError } from '../port';
import type { RedisClient } from './redis-connection';

const ANSWER_WITHIN_MS = 2_000;

/**
 * Runs a command of a producer. BullMQ waits for a connection that is not ready, for as long as it takes; a producer must
 * neither hang nor pile up waiting commands, so it is refused at once.
 */
export async function failFast<Value>(client: RedisClient, command: () => Promise<Value>): Promise<Value> {
  if (client.status !== 'ready' && client.status !== 'connecting' && client.status !== 'connect') {
    throw new QueueUnavailableError(new Error(`the connection is ${client.status}`));
  }
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_resolve, reject) => {
    const giveUp = () => reject(new Error(`no answer in ${ANSWER_WITHIN_MS} ms`));
    // A process that stood still reads what has arrived first (decision 29).
    timer = setTimeout(() => setImmediate(giveUp), ANSWER_WITHIN_MS);
  });
  try {
    return await Promise.race([command(), tooLate]);
  } catch (error) {
    throw new QueueUnavailableError(error);
  } finally {
    clearTimeout(timer);
  }
}
