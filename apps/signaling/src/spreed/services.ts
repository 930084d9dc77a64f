import type { Live, LiveSessions } from '@parley/live';
import type { BackendStore } from '@parley/persistence';
import type { ProtocolTimes } from '@parley/protocol-spreed-signaling';
import type { Logger, UnknownErrorReporter } from '@parley/server-kit';
import type { Federations } from '../federation/federations';
import type { RobotDesk } from '../robots/robot-desk';
import type { AttemptThrottle } from './attempt-throttle';
import type { Authenticator } from './authenticator';
import type { BridgeReports } from './bridge-reports';
import type { Census } from './census';
import type { Door } from './door';
import type { ParticipantsBoard } from './participants-board';
import type { Renaming } from './renaming';
import type { VirtualSessions } from './virtual-sessions';

/** What every connection of a replica works with. */
export interface SpreedServices {
  readonly sessions: LiveSessions;
  readonly rooms: Live['rooms'];
  readonly authenticator: Authenticator;
  readonly backends: Pick<BackendStore, 'byId'>;
  readonly door: Door;
  readonly renaming: Renaming;
  readonly board: ParticipantsBoard;
  readonly virtuals: VirtualSessions;
  readonly bridges: BridgeReports;
  readonly federations: Federations;
  readonly robots: RobotDesk;
  readonly throttle: AttemptThrottle;
  readonly census: Census;
  readonly times: ProtocolTimes;
  readonly logger: Logger;
  readonly errors: UnknownErrorReporter;
}
