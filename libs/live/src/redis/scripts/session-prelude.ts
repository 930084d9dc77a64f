import { PRELUDE } from './prelude';

/**
 * KEYS: record (hash), log (list of `seq\nms\njson`), channel. ARGV[1]: PUBLISH or SPUBLISH.
 * The record: data, tenant, user, verifier, epoch, owner, state (attached | detached | ended), since, seq, floor, bytes,
 * as (acknowledged number), ck (checkpoint as JSON), room, at (where it joined, JSON), prev, prevAt (room it is still to
 * be taken out of), joining, joinAttempt, joinAt, attempts (the last one; they rise with the clock, also over a loss),
 * done (attempt by which it came into `room`), prevDone (the same of `prev`), withdrawn (attempt that must not be
 * finished any more), reason, detail, parent (of a virtual session),
 * perm (permissions given since `data` was written, as JSON), req (`token\njson` of a request that is not known to be
 * answered), entered (a join was finished since), quiet (its leaving is not told outside).
 */
export const SESSION = `${PRELUDE}
local REC, LOG, CH, PUB = KEYS[1], KEYS[2], KEYS[3], ARGV[1]
local function tell(text) redis.call(PUB, CH, text) end
local function after(r, from)
  if from < num(r.floor) or from > num(r.seq) then return nil end
  return redis.call('LRANGE', LOG, int(from - num(r.floor)), -1)
end
local function finish(r, reason, detail, json, keep)
  local seq = num(r.seq)
  if json ~= '' then seq = seq + 1 end
  redis.call('HSET', REC, 'state', 'ended', 'since', int(now()), 'reason', reason, 'detail', detail, 'seq', int(seq))
  redis.call('DEL', LOG)
  redis.call('PEXPIRE', REC, keep)
  tell('e\\n' .. r.epoch .. '\\n' .. int(seq) .. '\\n' .. reason .. '\\n' .. detail .. '\\n' .. json)
end
local function remains(kind)
  local r = redis.call('HMGET', REC, 'tenant', 'user', 'owner', 'quiet', 'room', 'prev', 'joining')
  return {kind, r[1] or '', r[2] or '', r[3] or '', r[4] or '', r[5] or '', r[6] or '', r[7] or ''}
end
local function status(r, epoch)
  if not r.state then return {'missing'} end
  if r.state == 'ended' then return {'ended', r.reason or '', r.detail or ''} end
  if r.epoch ~= epoch then return {'taken'} end
end
`;
