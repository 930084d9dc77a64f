import { LOG_LIMITS } from '../../port';
import { CLOCK, STRIDE } from './prelude';
import { SESSION_JOIN_SCRIPTS } from './session-join-scripts';
import { SESSION } from './session-prelude';

/** ARGV: data, tenant, user, verifier, owner, checkpoint, ttl, parent (empty: none) */
const open = `${SESSION}
redis.call('DEL', REC, LOG)
redis.call('HSET', REC, 'data', ARGV[2], 'tenant', ARGV[3], 'user', ARGV[4], 'verifier', ARGV[5], 'owner', ARGV[6],
  'ck', ARGV[7], 'epoch', '1', 'state', 'attached', 'seq', '0', 'floor', '0', 'bytes', '0', 'as', '0')
if ARGV[9] ~= '' then redis.call('HSET', REC, 'parent', ARGV[9]) end
redis.call('PEXPIRE', REC, ARGV[8])
`;

/**
 * KEYS: record. ARGV: PUBLISH or SPUBLISH, tenant, json, `keepMs ttl tombstoneTtl`, permissions (missing: none). Every
 * message to a session runs it, so it fetches, defines and passes nothing that is rarely needed; what is too old is
 * looked for now and then, and what is too much goes {@link STRIDE} at a time. Numbers below 1e14 can be concatenated as
 * they are.
 */
const append = `
local REC, PUB, json = KEYS[1], ARGV[1], ARGV[3]
local r = redis.call('HMGET', REC, 'tenant', 'state', 'epoch', 'seq', 'bytes', 'parent')
if not r[2] then return 'missing' end
if r[1] ~= ARGV[2] or r[2] == 'ended' then return 'unknown' end
if ARGV[5] then redis.call('HSET', REC, 'perm', ARGV[5]) end
if r[6] then return {r[6]} end
local at = string.sub(REC, 1, -4)
local LOG, CH = at .. 'log', at .. 'ch'
${CLOCK}
local seq, bytes = r[4] + 1, r[5] + #json
local count = redis.call('RPUSH', LOG, seq .. '\\n' .. t .. '\\n' .. json)
redis.call('HSET', REC, 'seq', seq, 'bytes', bytes)
local many = count > ${LOG_LIMITS.messages}
if many or count == 1 or bytes > ${LOG_LIMITS.bytes} or seq % ${STRIDE} == 0 then
  local keep, ttl, tombstone = string.match(ARGV[4], '^(%d+) (%d+) (%d+)$')
  if count == 1 then redis.call('PEXPIRE', LOG, ttl) end
  local acked, floor = tonumber(redis.call('HGET', REC, 'as')), seq - count
  local known, look = floor, many and ${STRIDE - 1} or 0
  repeat
    local gone = 0
    for _, head in ipairs(redis.call('LRANGE', LOG, 0, look)) do
      local over = count - gone > ${LOG_LIMITS.messages} or bytes > ${LOG_LIMITS.bytes}
      local since, body = string.match(head, '^%d+\\n(%d+)\\n()')
      if floor + gone >= acked then
        if not over then break end
        redis.call('HSET', REC, 'state', 'ended', 'since', t, 'reason', 'log_overflow', 'detail', '')
        redis.call('DEL', LOG)
        redis.call('PEXPIRE', REC, tombstone)
        redis.call(PUB, CH, 'e\\n' .. r[3] .. '\\n' .. seq .. '\\nlog_overflow\\n\\n')
        return 'overflow'
      end
      if not over and not many and t - since <= tonumber(keep) then break end
      gone, bytes = gone + 1, bytes - (#head - body + 1)
    end
    many, look = false, ${STRIDE - 1}
    if gone > 0 then redis.call('LTRIM', LOG, gone, -1) end
    floor, count = floor + gone, count - gone
  until gone == 0
  if floor > known then redis.call('HSET', REC, 'floor', floor, 'bytes', bytes) end
end
redis.call(PUB, CH, 'm\\n' .. r[3] .. '\\n' .. seq .. '\\n' .. json)
return 'sent'
`;

/** ARGV: epoch, after */
const read = `${SESSION}
local r = get(REC, 'state', 'epoch', 'seq', 'floor', 'reason', 'detail')
local bad = status(r, ARGV[2])
if bad then return bad end
local entries = after(r, num(ARGV[3]))
if not entries then return {'gap'} end
return {'log', r.seq, entries}
`;

/** ARGV: verifier, owner, after (empty: the checkpoint's), ttl */
const resume = `${SESSION}
local r = get(REC, 'state', 'verifier', 'epoch', 'owner', 'seq', 'floor', 'as', 'data', 'at', 'ck',
  'user', 'perm', 'parent', 'prev', 'req', 'entered', 'done', 'prevDone')
if not r.state or r.state == 'ended' or r.parent or r.verifier ~= ARGV[2] then return {'none'} end
local from = ARGV[4] == '' and num(r.as) or num(ARGV[4])
local entries = after(r, from)
if not entries then return {'gap'} end
local epoch = int(num(r.epoch) + 1)
redis.call('HSET', REC, 'epoch', epoch, 'owner', ARGV[3], 'state', 'attached')
redis.call('PEXPIRE', REC, ARGV[5])
tell('t\\n' .. epoch)
return {'resumed', r.data, epoch, r.owner, int(from), r.at or '', r.ck, entries, r.user or '', r.perm or '',
  r.prev or '', r.req or '', r.entered or '', r.done or '', r.prevDone or ''}
`;

/** KEYS: record. ARGV: epoch, acknowledged, checkpoint, detached (0 | 1). Lean like `append`. */
const checkpoint = `
local REC = KEYS[1]
local r = redis.call('HMGET', REC, 'state', 'epoch')
if not r[1] or r[1] == 'ended' or r[2] ~= ARGV[1] then return end
redis.call('HSET', REC, 'as', ARGV[2], 'ck', ARGV[3])
if ARGV[4] == '1' then
  ${CLOCK}
  redis.call('HSET', REC, 'state', 'detached', 'since', t)
end
`;

/** ARGV: epoch, owner, seq, data, tenant, user, verifier, checkpoint, acknowledged, room, at, create (0 | 1), ttl, parent */
const announce = `${SESSION}
local r = get(REC, 'state', 'epoch', 'seq', 'reason', 'detail')
local epoch = ARGV[2]
if not r.state then
  if ARGV[13] ~= '1' then return {'missing'} end
  redis.call('HSET', REC, 'data', ARGV[5], 'tenant', ARGV[6], 'user', ARGV[7], 'verifier', ARGV[8], 'ck', ARGV[9],
    'as', ARGV[10], 'epoch', epoch, 'seq', '-1')
  if ARGV[11] ~= '' then redis.call('HSET', REC, 'room', ARGV[11], 'at', ARGV[12]) end
  if ARGV[15] ~= '' then redis.call('HSET', REC, 'parent', ARGV[15]) end
  r = {epoch = epoch, seq = '-1', state = 'attached'}
end
if r.state == 'ended' or num(r.epoch) > num(epoch) then return status(r, epoch) end
if num(r.epoch) < num(epoch) then tell('t\\n' .. epoch) end
if num(r.seq) < num(ARGV[4]) then
  redis.call('DEL', LOG)
  redis.call('HSET', REC, 'seq', ARGV[4], 'floor', ARGV[4], 'bytes', '0')
  r.seq = ARGV[4]
end
redis.call('HSET', REC, 'epoch', epoch, 'owner', ARGV[3], 'state', 'attached')
redis.call('PEXPIRE', REC, ARGV[14])
redis.call('PEXPIRE', LOG, ARGV[14])
return {'log', r.seq, {}}
`;

/** ARGV: epoch, user */
const rename = `${SESSION}
if status(get(REC, 'state', 'epoch'), ARGV[2]) then return 0 end
redis.call('HSET', REC, 'user', ARGV[3])
return 1
`;

/** ARGV: epoch, record */
const describe = `${SESSION}
if status(get(REC, 'state', 'epoch'), ARGV[2]) then return 0 end
redis.call('HSET', REC, 'data', ARGV[3])
return 1
`;

/** ARGV: epoch, token, json */
const beginRequest = `${SESSION}
if status(get(REC, 'state', 'epoch'), ARGV[2]) then return 0 end
redis.call('HDEL', REC, 'entered')
redis.call('HSET', REC, 'req', ARGV[3] .. '\\n' .. ARGV[4])
return 1
`;

/** ARGV: token */
const settleRequest = `${SESSION}
local known = redis.call('HGET', REC, 'req')
if known and string.sub(known, 1, #ARGV[2] + 1) == ARGV[2] .. '\\n' then redis.call('HDEL', REC, 'req', 'entered') end
`;

/** ARGV: reason, detail, json, epoch (empty: any), room (empty: any), tombstone ttl, quiet (0 | 1) */
const burn = `${SESSION}
local r = get(REC, 'state', 'epoch', 'seq', 'room')
if not r.state or r.state == 'ended' then return end
if ARGV[5] ~= '' and r.epoch ~= ARGV[5] then return end
if ARGV[6] ~= '' and r.room ~= ARGV[6] then return end
if ARGV[8] == '1' then redis.call('HSET', REC, 'quiet', '1') end
local left = remains('over')
finish(r, ARGV[2], ARGV[3], ARGV[4], ARGV[7])
return left
`;

/** ARGV: owner, agoMs */
const orphan = `${SESSION}
local r = get(REC, 'state', 'owner')
if r.owner ~= ARGV[2] or r.state ~= 'attached' then return 0 end
redis.call('HSET', REC, 'state', 'detached', 'since', int(now() - num(ARGV[3])))
return 1
`;

/** ARGV: resume window, half-done join, tombstone ttl */
const look = `${SESSION}
local r = get(REC, 'state', 'since', 'epoch', 'seq', 'joining', 'joinAttempt', 'joinAt', 'prev', 'prevDone')
if not r.state then return {'nothing'} end
local t = now()
if r.state == 'detached' and t - num(r.since) >= num(ARGV[2]) then
  finish(r, 'expired', '', '', ARGV[4])
  return remains('over')
end
if r.state == 'ended' then return remains('over') end
if r.joining or r.prev then
  local age = t - num(r.joinAt)
  if age < num(ARGV[3]) then return {'later', int(num(ARGV[3]) - age)} end
  if r.joining then redis.call('HSET', REC, 'withdrawn', r.joinAttempt) end
  return {'half-done', r.joining or '', r.joinAttempt or '', r.prev or '', r.prevDone or ''}
end
if r.state == 'attached' then return {'nothing'} end
return {'later', int(num(ARGV[2]) - (t - num(r.since)))}
`;

const bury = `${SESSION}
if redis.call('HGET', REC, 'state') == 'ended' then
  redis.call('HDEL', REC, 'room', 'at', 'prev', 'prevAt', 'joining', 'joinAttempt', 'data', 'req')
end
`;

export const SESSION_SCRIPTS = {
  ...SESSION_JOIN_SCRIPTS,
  open,
  append,
  read,
  resume,
  checkpoint,
  announce,
  rename,
  describe,
  beginRequest,
  settleRequest,
  burn,
  orphan,
  look,
  bury,
} as const;
