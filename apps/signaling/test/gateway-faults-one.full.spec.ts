import { CUT, FLUSHED, FROZEN, KILLED, RESTARTED, SILENT } from './faults/faults';
import { faultsSuite, TALKING } from './faults/suite';

faultsSuite('one Redis', [KILLED, FROZEN, CUT, SILENT, RESTARTED, FLUSHED], TALKING);
