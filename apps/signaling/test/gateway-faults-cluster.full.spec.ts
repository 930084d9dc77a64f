import { CUT, FLUSHED, FROZEN, KILLED, ONE_NODE_RESTARTED, RESTARTED, SILENT } from './faults/faults';
import { faultsSuite, TALKING } from './faults/suite';

faultsSuite({
  kind: 'a Redis cluster',
  faults: [KILLED, FROZEN, CUT, SILENT, ONE_NODE_RESTARTED, RESTARTED, FLUSHED],
  plans: TALKING,
  seed: process.env.PARLEY_TEST_SEED,
});
