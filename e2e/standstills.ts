import { eventually } from '@parley/testing';

/** Longer than a server of a busy machine stands still. */
const PATIENCE_MS = 30_000;
/** Refusals of sockets that say nothing about who asks: something was away, or the hello came late. */
const NOT_NOW = /hello_timeout|internal_error/;

/**
 * Asks as every back end has to: what is answered 503 is asked again. Redis or a service that stands still for some seconds
 * makes that an honest answer to anything; it is told, so that nobody overlooks one that comes often.
 * @param ask makes its call anew each time, with an x-random of its own
 */
export async function untilServed<Answer extends { readonly status: number }>(
  ask: () => Promise<Answer>,
): Promise<Answer> {
  let answer = await ask();
  if (answer.status !== 503) return answer;
  console.warn('answered 503, asking again', answer);
  await eventually(
    async () => (answer = await ask()).status !== 503,
    () => `another answer than ${JSON.stringify(answer)}`,
    PATIENCE_MS,
  );
  return answer;
}

/**
 * Comes in as every client has to: refused because the servers cannot now, it comes again.
 * @param enter with a ticket and a connection of its own each time
 */
export async function untilLetIn<Client>(enter: () => Promise<Client>): Promise<Client> {
  for (const deadline = performance.now() + PATIENCE_MS; ;) {
    try {
      return await enter();
    } catch (error) {
      if (!NOT_NOW.test(String(error)) || performance.now() >= deadline) throw error;
      console.warn('not let in, coming again', String(error));
    }
  }
}
