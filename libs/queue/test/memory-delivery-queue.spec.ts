import { MemoryDeliveryQueue, QueueUnavailableError } from '../src';
import { deliveryQueueConformance } from './delivery-queue.conformance';

describe('MemoryDeliveryQueue', () => {
  deliveryQueueConformance(async () => {
    const queue = new MemoryDeliveryQueue();
    return { queue, open: () => queue, flush: async () => queue.flush() };
  });

  test('refuses while it is switched off', async () => {
    const queue = new MemoryDeliveryQueue();
    queue.unreachable = true;
    await expect(queue.addDeliveries([])).rejects.toThrow(QueueUnavailableError);
    expect(await queue.healthy()).toBe(false);
  });
});
