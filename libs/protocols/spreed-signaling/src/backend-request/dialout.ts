import { fail, ok, type Result } from '@parley/domain';
import { dialoutError, type BackendReply } from './replies';

/** E.164: a plus and at least two digits. */
const NUMBER = /^\+\d{2,}$/;
const NUMERIC_ROOM = /^\d+$/;

/** Whether a dial-out may be tried: a number to call, from a room that telephones can address (brief 2.9). */
export function checkDialout(number: string, roomId: string): Result<undefined, BackendReply> {
  if (number === '') return fail(dialoutError(400, 'number_missing', 'There is no number to call.'));
  if (!NUMBER.test(number)) {
    return fail(dialoutError(400, 'invalid_number', 'A number is a plus and at least two digits.'));
  }
  if (!NUMERIC_ROOM.test(roomId)) {
    return fail(dialoutError(400, 'invalid_roomid', 'Only a room with a numeric id can be called from.'));
  }
  return ok(undefined);
}
