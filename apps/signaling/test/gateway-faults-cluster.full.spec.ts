import { CUT, FLUSHED, FROZEN, KILLED, ONE_NODE_RESTARTED, RESTARTED, SILENT } from './faults/faults';
import { faultsSuite, TALKING } from './faults/suite';

faultsSuite('a Redis cluster', [KILLED, FROZEN, CUT, SILENT, ONE_NODE_RESTARTED, RESTARTED, FLUSHED], TALKING);
