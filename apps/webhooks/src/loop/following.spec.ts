import { getEventListeners } from 'node:events';
import { following } from './following';

test('follows each of the others, also when one was aborted before', () => {
  const [one, other] = [new AbortController(), new AbortController()];
  const first = following(one.signal, other.signal);
  expect(first.signal.aborted).toBe(false);
  other.abort();
  expect(first.signal.aborted).toBe(true);
  expect(following(one.signal, other.signal).signal.aborted).toBe(true);
});

test('leaves nothing behind in those that live longer', () => {
  const long = new AbortController();
  const ends = following(long.signal, new AbortController().signal);
  ends.release();
  expect(getEventListeners(long.signal, 'abort')).toEqual([]);
  long.abort();
  expect(ends.signal.aborted).toBe(false);
});
