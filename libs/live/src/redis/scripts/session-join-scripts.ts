import { SESSION } from './session-prelude';

/** ARGV: epoch, room */
const beginJoin = `${SESSION}
local r = get(REC, 'state', 'epoch')
if status(r, ARGV[2]) then return end
local t = now()
local attempt = math.max(num(redis.call('HGET', REC, 'attempts')) + 1, t)
redis.call('HSET', REC, 'attempts', int(attempt), 'joining', ARGV[3], 'joinAttempt', int(attempt), 'joinAt', int(t))
return attempt
`;

/** ARGV: epoch, attempt, room, at, checkpoint without its session number */
const finishJoin = `${SESSION}
local r = get(REC, 'state', 'epoch', 'joining', 'joinAttempt', 'room', 'at', 'as', 'req', 'withdrawn', 'done')
if status(r, ARGV[2]) then return 'lost' end
if not r.joining or r.joinAttempt ~= ARGV[3] or r.withdrawn == ARGV[3] then return 'withdrawn' end
redis.call('HDEL', REC, 'joining', 'joinAttempt', 'prev', 'prevAt', 'prevDone')
if r.room and r.room ~= ARGV[4] then
  redis.call('HSET', REC, 'prev', r.room, 'prevAt', r.at, 'prevDone', r.done or '')
end
if r.req then redis.call('HSET', REC, 'entered', '1') end
redis.call('HSET', REC, 'room', ARGV[4], 'at', ARGV[5], 'done', ARGV[3],
  'ck', '{"session":' .. r.as .. ',' .. ARGV[6] .. '}')
return 'joined'
`;

/** ARGV: epoch, attempt */
const abandonJoin = `${SESSION}
local r = get(REC, 'state', 'epoch', 'joinAttempt', 'done', 'prev', 'prevAt', 'prevDone')
if not r.state or r.state == 'ended' then return 'abandoned' end
if r.joinAttempt == ARGV[3] then redis.call('HDEL', REC, 'joining', 'joinAttempt') end
if r.done ~= ARGV[3] then return 'abandoned' end
if r.epoch ~= ARGV[2] then return 'kept' end
redis.call('HDEL', REC, 'done', 'room', 'at', 'prev', 'prevAt', 'prevDone')
if r.prev then
  redis.call('HSET', REC, 'room', r.prev, 'at', r.prevAt)
  if (r.prevDone or '') ~= '' then redis.call('HSET', REC, 'done', r.prevDone) end
end
return 'abandoned'
`;

/** ARGV: attempt */
const gaveUpJoin = `${SESSION}
if redis.call('HGET', REC, 'joinAttempt') == ARGV[2] then redis.call('HDEL', REC, 'joining', 'joinAttempt') end
`;

/** ARGV: room, attempt by which it was in (empty: any) */
const leftRoom = `${SESSION}
local r = get(REC, 'room', 'prev', 'done', 'prevDone')
local function was(attempt) return ARGV[3] == '' or (attempt or '') == '' or attempt == ARGV[3] end
if r.prev == ARGV[2] and was(r.prevDone) then redis.call('HDEL', REC, 'prev', 'prevAt', 'prevDone') end
if r.room == ARGV[2] and was(r.done) then redis.call('HDEL', REC, 'room', 'at') end
`;

export const SESSION_JOIN_SCRIPTS = { beginJoin, finishJoin, abandonJoin, gaveUpJoin, leftRoom } as const;
