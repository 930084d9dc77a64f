import { brandAs, type DeliveryId, type WebhookId } from '@parley/domain';
import { eventually } from '@parley/testing';
import { deliveryJobId, type DeliveryJob, type DeliveryQueue, type JobConsumer } from '../src';

/** What the suite needs of an implementation. */
export interface QueueUnderTest {
  readonly queue: DeliveryQueue;
  /** Another handle on the same queue, as another process has it. */
  open(): DeliveryQueue;
  /** Loses every job. */
  flush(): Promise<void>;
}

const job = (name: string, attempt = 1, wake = 1): DeliveryJob => ({
  deliveryId: brandAs<DeliveryId>(`dlv_${name}`),
  attempt,
  wake,
});
const webhook = brandAs<WebhookId>(2048 + 7);
const soon = (...jobs: DeliveryJob[]) => jobs.map((each) => ({ job: each, delayMs: 0 }));

/** Notes what it was given and holds every job until it is let go. */
class Recorder {
  readonly seen: string[] = [];
  readonly failures: string[] = [];
  private readonly held: (() => void)[] = [];
  hold = false;
  failOn: string | undefined;

  readonly handlers = {
    delivery: async (each: DeliveryJob) => this.note(deliveryJobId(each)),
    validation: async ({ webhookId }: { webhookId: WebhookId }) => this.note(`val_${webhookId}`),
    failed: (id: string) => void this.failures.push(id),
  };

  letGo(): void {
    this.hold = false;
    for (const release of this.held.splice(0)) release();
  }

  async sees(count: number): Promise<string[]> {
    await eventually(
      () => this.seen.length >= count,
      () => `${count} jobs; there were: ${this.seen.join(', ')}`,
    );
    return this.seen;
  }

  private async note(id: string): Promise<void> {
    this.seen.push(id);
    if (this.hold) await new Promise<void>((resolve) => this.held.push(resolve));
    if (id === this.failOn) throw new Error(`no luck with ${id}`);
  }
}

/** The contract of `DeliveryQueue`, run on every implementation. */
export function deliveryQueueConformance(setUp: () => Promise<QueueUnderTest>): void {
  let subject: QueueUnderTest;
  let recorder: Recorder;
  let consumers: JobConsumer[];

  const consume = (deliveries = 1): JobConsumer => {
    const consumer = subject.queue.consume(recorder.handlers, { deliveries, validations: 1 });
    consumers.push(consumer);
    return consumer;
  };

  beforeEach(async () => {
    subject = await setUp();
    await subject.flush();
    recorder = new Recorder();
    consumers = [];
    await eventually(() => subject.queue.healthy(), 'the queue to answer');
  });

  afterEach(async () => {
    recorder.letGo();
    await Promise.all(consumers.map((consumer) => consumer.close()));
    await subject.flush();
  });

  test('hands out deliveries in the order they were added', async () => {
    await subject.queue.addDeliveries(soon(job('a'), job('b'), job('c')));
    consume();
    expect(await recorder.sees(3)).toEqual(['dlv_a_1_1', 'dlv_b_1_1', 'dlv_c_1_1']);
  });

  test('adds a job once while it is there, and again after it is done', async () => {
    await subject.queue.addDeliveries(soon(job('a')));
    await subject.queue.addDeliveries(soon(job('a'), job('b')));
    consume();
    await recorder.sees(2);
    await eventually(async () => (await subject.queue.standing([job('a')])).size === 0, 'the done job to be gone');
    await subject.queue.addDeliveries(soon(job('a')));
    expect(await recorder.sees(3)).toEqual(['dlv_a_1_1', 'dlv_b_1_1', 'dlv_a_1_1']);
  });

  test('holds a delayed job back until it is due', async () => {
    // The delay begins somewhere in the call, which takes a while.
    const addedAt = performance.now();
    await subject.queue.addDeliveries([
      { job: job('late'), delayMs: 250 },
      { job: job('now'), delayMs: 0 },
    ]);
    consume();
    expect(await recorder.sees(2)).toEqual(['dlv_now_1_1', 'dlv_late_1_1']);
    expect(performance.now() - addedAt).toBeGreaterThan(200);
  });

  test('says which jobs are still there: waiting, delayed, being worked on, but not done', async () => {
    recorder.hold = true;
    const all = [job('active'), job('waiting'), job('delayed'), job('never')];
    await subject.queue.addDeliveries(soon(job('active'), job('waiting')));
    await subject.queue.addDeliveries([{ job: job('delayed'), delayMs: 60_000 }]);
    consume();
    await recorder.sees(1);
    expect([...(await subject.queue.standing(all))].sort()).toEqual([
      'dlv_active_1_1',
      'dlv_delayed_1_1',
      'dlv_waiting_1_1',
    ]);
    recorder.letGo();
    await recorder.sees(2);
    await eventually(
      async () => (await subject.queue.standing(all)).size === 1,
      async () => `only the delayed one to stand; there are ${[...(await subject.queue.standing(all))].join()}`,
    );
  });

  test('works on as many at once as allowed, no more', async () => {
    recorder.hold = true;
    await subject.queue.addDeliveries(soon(job('a'), job('b'), job('c')));
    consume(2);
    await recorder.sees(2);
    await subject.queue.addValidation(webhook);
    expect(await recorder.sees(3)).toEqual(['dlv_a_1_1', 'dlv_b_1_1', `val_${webhook}`]);
  });

  test('reports a handler that throws and forgets the job', async () => {
    recorder.failOn = 'dlv_bad_1_1';
    await subject.queue.addDeliveries(soon(job('bad'), job('good')));
    consume();
    await recorder.sees(2);
    await eventually(() => recorder.failures.length > 0, 'the failure to be reported');
    expect(recorder.failures).toEqual(['dlv_bad_1_1']);
    await eventually(async () => (await subject.queue.standing([job('bad')])).size === 0, 'the failed job to be gone');
  });

  test('keeps one handshake per webhook', async () => {
    await subject.queue.addValidation(webhook);
    await subject.queue.addValidation(webhook);
    await subject.queue.addValidation(brandAs<WebhookId>(3));
    consume();
    expect(await recorder.sees(2)).toEqual([`val_${webhook}`, 'val_3']);
  });

  test('takes a handshake first for which somebody waits', async () => {
    await subject.queue.addValidation(brandAs<WebhookId>(3));
    await subject.queue.addValidation(brandAs<WebhookId>(4));
    await subject.queue.addValidation(webhook, { first: true });
    consume();
    expect(await recorder.sees(3)).toEqual([`val_${webhook}`, 'val_3', 'val_4']);
  });

  test('goes on after it lost everything', async () => {
    consume();
    await subject.queue.addDeliveries([{ job: job('lost'), delayMs: 60_000 }]);
    await subject.flush();
    expect((await subject.queue.standing([job('lost')])).size).toBe(0);
    await subject.queue.addDeliveries(soon(job('lost', 1, 2)));
    expect(await recorder.sees(1)).toEqual(['dlv_lost_1_2']);
  });

  test('a closed consumer finishes what it began and takes nothing more', async () => {
    recorder.hold = true;
    const consumer = consume();
    await subject.queue.addDeliveries(soon(job('begun')));
    await recorder.sees(1);
    let over = false;
    const closing = consumer.close().then(() => (over = true));
    await subject.queue.addDeliveries(soon(job('next')));
    expect(over).toBe(false);
    recorder.letGo();
    await closing;
    expect(recorder.seen).toEqual(['dlv_begun_1_1']);
    expect([...(await subject.queue.standing([job('begun'), job('next')]))]).toEqual(['dlv_next_1_1']);
  });

  test('another process takes over what one left', async () => {
    await subject.queue.addDeliveries(soon(job('a')));
    const other = subject.open();
    await eventually(() => other.healthy(), 'the other handle to answer');
    const consumer = other.consume(recorder.handlers, { deliveries: 1, validations: 1 });
    expect(await recorder.sees(1)).toEqual(['dlv_a_1_1']);
    await consumer.close();
    await other.close();
  });
}
