import { Frame } from '@parley/protocol-spreed-signaling';
import { Outbox } from './outbox';

/** A socket whose writes finish when the test says so. */
function slowSocket(limits = { inFlightBytes: 10, waitingBytes: 30 }) {
  const sent: string[] = [];
  const flushes: (() => void)[] = [];
  const reached: number[] = [];
  let slow = 0;
  const outbox = new Outbox<number>(
    (frame, flushed) => {
      sent.push(frame.text);
      flushes.push(flushed);
    },
    (position) => reached.push(position),
    () => (slow += 1),
    limits,
  );
  return { outbox, sent, reached, flush: () => flushes.shift()?.(), slow: () => slow };
}

describe('outbox', () => {
  test('hands over little at a time and goes on when it is gone, in order', () => {
    const { outbox, sent, reached, flush } = slowSocket();
    ['aaaa', 'bbbb', 'cccc', 'dddd'].forEach((text, index) => outbox.push(new Frame(text), index));
    expect(sent).toEqual(['aaaa', 'bbbb']);
    expect(reached).toEqual([]);
    flush();
    expect(sent).toEqual(['aaaa', 'bbbb', 'cccc']);
    expect(reached).toEqual([0]);
    flush();
    flush();
    flush();
    expect(sent).toEqual(['aaaa', 'bbbb', 'cccc', 'dddd']);
    expect(reached).toEqual([0, 1, 2, 3]);
  });

  test('a frame over the limit still goes, alone', () => {
    const { outbox, sent, flush } = slowSocket();
    outbox.push(new Frame('x'.repeat(20)));
    outbox.push(new Frame('y'));
    expect(sent).toHaveLength(1);
    flush();
    expect(sent).toHaveLength(2);
  });

  test('a mark is reached with what stands before it, or at once', () => {
    const { outbox, reached, flush } = slowSocket();
    outbox.mark(1);
    expect(reached).toEqual([1]);
    outbox.push(new Frame('aaaa'), 2);
    outbox.mark(3);
    expect(reached).toEqual([1]);
    flush();
    expect(reached).toEqual([1, 3]);
  });

  test('who reads too slowly is told of once, and nothing unwritten counts as reached', () => {
    const { outbox, sent, reached, flush, slow } = slowSocket();
    for (let n = 0; n < 20; n += 1) outbox.push(new Frame('aaaa'), n);
    expect(slow()).toBe(1);
    const handed = sent.length;
    flush();
    expect(sent).toHaveLength(handed);
    expect(reached).toEqual([]);
  });
});
