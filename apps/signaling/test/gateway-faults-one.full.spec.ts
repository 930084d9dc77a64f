import { CUT, FLUSHED, FROZEN, KILLED, RESTARTED, SILENT } from './faults/faults';
import { faultsSuite, TALKING } from './faults/suite';

faultsSuite({
  kind: 'one Redis',
  faults: [KILLED, FROZEN, CUT, SILENT, RESTARTED, FLUSHED],
  plans: TALKING,
  seed: process.env.PARLEY_TEST_SEED,
});
