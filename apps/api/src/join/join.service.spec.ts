import { nextName } from '../admin/keys.controller';
import { pauseAfter } from './join.service';

it('the pause after wrong tries doubles up to five minutes', () => {
  expect([1, 2, 3, 4, 5, 11, 12, 1_000].map(pauseAfter)).toEqual([
    0, 0, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
  ]);
});

it('a rotated key has a name that was not there', () => {
  expect([nextName('ops'), nextName('ops-r2'), nextName('a-r-b')]).toEqual(['ops-r2', 'ops-r3', 'a-r-b-r2']);
});
