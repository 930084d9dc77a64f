import { Frame } from '@parley/protocol-spreed-signaling';
import { Outbox } from './outbox';

/** A socket whose writes finish when the test says so. Frames of four characters are six bytes on the wire. */
function slowSocket(limits = { inFlightBytes: 12, waitingBytes: 60 }) {
  const sent: string[] = [];
  const flushes: (() => void)[] = [];
  const reached: number[] = [];
  let slow = 0;
  const outbox = new Outbox<number>(
    (frames, flushed) => {
      sent.push(frames.map(({ text }) => text).join('+'));
      flushes.push(flushed);
    },
    (position) => reached.push(position),
    () => (slow += 1),
    limits,
  );
  const turn = () => new Promise(setImmediate);
  return { outbox, sent, reached, turn, flush: () => flushes.shift()?.(), slow: () => slow };
}

describe('outbox', () => {
  test('what is pushed in one turn goes as one, in order', async () => {
    const { outbox, sent, reached, turn, flush } = slowSocket({ inFlightBytes: 100, waitingBytes: 100 });
    outbox.push(new Frame('0000'), 0);
    expect(sent).toEqual([]);
    await turn();
    expect(sent).toEqual(['0000']);
    flush();
    ['aaaa', 'bbbb', 'cccc'].forEach((text, index) => outbox.push(new Frame(text), index + 1));
    expect(sent).toEqual(['0000']);
    await turn();
    expect(sent).toEqual(['0000', 'aaaa+bbbb+cccc']);
    expect(reached).toEqual([0]);
    flush();
    expect(reached).toEqual([0, 3]);
  });

  test('hands over little at a time and goes on when it is gone, in order', async () => {
    const { outbox, sent, reached, turn, flush } = slowSocket();
    ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee'].forEach((text, index) => outbox.push(new Frame(text), index));
    // More than may be in flight does not wait for the end of the turn.
    expect(sent).toEqual(['aaaa+bbbb']);
    flush();
    await turn();
    expect(sent).toEqual(['aaaa+bbbb', 'cccc+dddd']);
    flush();
    await turn();
    expect(sent).toEqual(['aaaa+bbbb', 'cccc+dddd', 'eeee']);
    expect(reached).toEqual([1, 3]);
    flush();
    expect(reached).toEqual([1, 3, 4]);
  });

  test('a socket that takes everything at once gets everything in one turn', async () => {
    const sent: string[] = [];
    const limits = { inFlightBytes: 12, waitingBytes: 60 };
    const take = (frames: readonly Frame[], flushed: () => void) => {
      sent.push(...frames.map(({ text }) => text));
      flushed();
    };
    const outbox = new Outbox<number>(
      take,
      () => undefined,
      () => undefined,
      limits,
    );
    for (const text of ['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']) outbox.push(new Frame(text));
    outbox.flush();
    expect(sent).toEqual(['aaaa', 'bbbb', 'cccc', 'dddd', 'eeee']);
    await outbox.empty();
  });

  test('what is pushed just before the end goes too, although something is on its way, unless nobody reads', async () => {
    const { outbox, sent } = slowSocket({ inFlightBytes: 12, waitingBytes: 600 });
    outbox.push(new Frame('left'));
    outbox.flush();
    outbox.push(new Frame('bye!'));
    expect(sent).toEqual(['left']);
    outbox.finish();
    expect(sent).toEqual(['left', 'bye!']);
    for (let n = 0; n < 20; n += 1) outbox.push(new Frame('aaaa'));
    outbox.finish();
    expect(sent).toEqual(['left', 'bye!']);
  });

  test('a frame over the limit still goes, alone', async () => {
    const { outbox, sent, turn, flush } = slowSocket();
    outbox.push(new Frame('x'.repeat(20)));
    outbox.push(new Frame('y'));
    await turn();
    expect(sent).toHaveLength(1);
    flush();
    await turn();
    expect(sent).toEqual(['x'.repeat(20), 'y']);
  });

  test('a mark is reached with what stands before it, or at once', async () => {
    const { outbox, reached, turn, flush } = slowSocket();
    outbox.mark(1);
    expect(reached).toEqual([1]);
    outbox.push(new Frame('aaaa'), 2);
    outbox.mark(3);
    await turn();
    outbox.mark(4);
    expect(reached).toEqual([1]);
    flush();
    expect(reached).toEqual([1, 4]);
  });

  test('what may have been sent by another meanwhile is held back until that is known, and dropped when it was', async () => {
    const sent: string[] = [];
    const answers: (() => void)[] = [];
    let inDoubt = true;
    const outbox = new Outbox<number>(
      (frames, flushed) => {
        sent.push(...frames.map(({ text }) => text));
        flushed();
      },
      () => undefined,
      () => undefined,
      undefined,
      undefined,
      undefined,
      () => (inDoubt ? new Promise((resolve) => answers.push(resolve)) : undefined),
    );
    const nothingUnwritten = () => new Promise(setImmediate);
    outbox.push(new Frame('an error answer'));
    await nothingUnwritten();
    expect(sent).toEqual(['an error answer']);
    outbox.push(new Frame('logged 1'), 1);
    outbox.push(new Frame('logged 2'), 2);
    await nothingUnwritten();
    expect(sent).toEqual(['an error answer']);
    answers.shift()?.();
    await nothingUnwritten();
    expect(sent).toEqual(['an error answer']);
    inDoubt = false;
    answers.shift()?.();
    await nothingUnwritten();
    expect(sent).toEqual(['an error answer', 'logged 1', 'logged 2']);

    inDoubt = true;
    outbox.push(new Frame('logged 3'), 3);
    outbox.dropDoubtful();
    outbox.push(new Frame('bye'));
    outbox.finish();
    answers.shift()?.();
    await nothingUnwritten();
    expect(sent).toEqual(['an error answer', 'logged 1', 'logged 2', 'bye']);
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

test.each([0, 1, 125, 126, 65_535, 65_536])('a frame of %i bytes has the header of RFC 6455', (length) => {
  const { message, bytes } = new Frame('x'.repeat(length));
  const header = message.subarray(0, message.length - length);
  expect(bytes.toString()).toBe('x'.repeat(length));
  expect(header[0]).toBe(0x81);
  if (length < 126) expect([...header.subarray(1)]).toEqual([length]);
  else if (length < 65_536) expect([...header.subarray(1)]).toEqual([126, length >> 8, length & 255]);
  else expect([...header.subarray(1)]).toEqual([127, 0, 0, 0, 0, 0, 1, 0, 0]);
});
