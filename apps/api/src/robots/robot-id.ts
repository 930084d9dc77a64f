import { brandAs, type RobotId } from '@parley/domain';

/** Nobody has this id. */
const NOBODY = -1;

/** The id of a robot as a path says it; what cannot be one is nobody's. */
export function robotIdOf(text: string): RobotId {
  const id = Number(text);
  return brandAs<RobotId>(/^\d{1,16}$/.test(text) && Number.isSafeInteger(id) ? id : NOBODY);
}
