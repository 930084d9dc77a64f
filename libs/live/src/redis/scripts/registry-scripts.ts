import { PRELUDE } from './prelude';

/** KEYS: replicas (zset by last beat), generation (hash). ARGV: replica, new generation, deadAfterMs, graceMs */
const beat = `${PRELUDE}
local t = now()
local g = get(KEYS[2], 'id', 'since')
if not g.id then
  g = {id = ARGV[2], since = int(t)}
  redis.call('HSET', KEYS[2], 'id', g.id, 'since', g.since)
end
local last = redis.call('ZSCORE', KEYS[1], ARGV[1])
local lapsed = (not last or t - num(last) >= num(ARGV[3])) and 1 or 0
redis.call('ZADD', KEYS[1], int(t), ARGV[1])
local dead = {}
if t - num(g.since) >= num(ARGV[4]) then
  local silent = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(t - num(ARGV[3])), 'WITHSCORES')
  for i = 1, #silent, 2 do
    dead[#dead + 1] = silent[i]
    dead[#dead + 1] = int(t - num(silent[i + 1]))
  end
end
return {g.id, lapsed, dead}
`;

/** KEYS: replicas. ARGV: replica, deadAfterMs */
const retire = `${PRELUDE}
local last = redis.call('ZSCORE', KEYS[1], ARGV[1])
if last and now() - num(last) >= num(ARGV[2]) then redis.call('ZREM', KEYS[1], ARGV[1]) end
`;

/** KEYS: an index (zset by time of the last announcement). ARGV: member, how long an entry is believed, ttl */
const index = `${PRELUDE}
local t = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(t - num(ARGV[2])))
redis.call('ZADD', KEYS[1], int(t), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
`;

/** KEYS: due (zset by time). ARGV: session, inMs */
const schedule = `${PRELUDE}
redis.call('ZADD', KEYS[1], int(now() + num(ARGV[2])), ARGV[1])
`;

/**
 * KEYS: due rooms (zset by time). ARGV: room, inMs. An earlier date stays, but for that of a claim: whoever holds it may
 * have looked before there was something to see.
 */
const scheduleSooner = `${PRELUDE}
local known = num(redis.call('ZSCORE', KEYS[1], ARGV[1]))
local at = now() + num(ARGV[2])
if known % 1 ~= 0 then redis.call('ZADD', KEYS[1], int(math.min(at, math.floor(known))), ARGV[1])
else redis.call('ZADD', KEYS[1], 'LT', int(at), ARGV[1]) end
`;

/** KEYS: due. ARGV: limit, claimMs. Answers session, claim, ... Claims have a fraction, by which they differ from dates. */
const claim = `${PRELUDE}
local t = now()
local until_ = int(t + num(ARGV[2])) .. '.5'
local answer = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', int(t), 'LIMIT', 0, ARGV[1])) do
  redis.call('ZADD', KEYS[1], until_, id)
  answer[#answer + 1] = id
  answer[#answer + 1] = until_
end
return answer
`;

/** KEYS: due. ARGV: session, claim, againInMs (empty: never) */
const settle = `${PRELUDE}
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or num(score) ~= num(ARGV[2]) then return end
if ARGV[3] == '' then redis.call('ZREM', KEYS[1], ARGV[1])
else redis.call('ZADD', KEYS[1], int(now() + num(ARGV[3])), ARGV[1]) end
`;

/** KEYS: seen values (zset by deadline). ARGV: value, ttlMs, limit (empty: none) */
const once = `${PRELUDE}
local t = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(t))
if redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 'seen' end
if ARGV[3] ~= '' and redis.call('ZCARD', KEYS[1]) >= num(ARGV[3]) then return 'full' end
redis.call('ZADD', KEYS[1], int(t + num(ARGV[2])), ARGV[1])
if redis.call('PTTL', KEYS[1]) < num(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 'new'
`;

/** KEYS: counter. ARGV: windowMs (empty: only read) */
const hit = `
local count
if ARGV[1] == '' then count = redis.call('GET', KEYS[1]) or '0'
else
  count = redis.call('INCR', KEYS[1])
  if count == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
end
return {tonumber(count), math.max(0, redis.call('PTTL', KEYS[1]))}
`;

/** KEYS: lease. ARGV: holder, ttlMs */
const lease = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
`;

/** KEYS: lease. ARGV: holder */
const release = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
`;

/** KEYS: counted sessions (zset by until when they are believed). ARGV: session, believedMs, limit (empty: none) */
const admit = `${PRELUDE}
local t = now()
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(t))
if ARGV[3] ~= '' and not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= num(ARGV[3]) then
  return 0
end
redis.call('ZADD', KEYS[1], int(t + num(ARGV[2])), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1
`;

/** KEYS: list (zset by until when it is believed). ARGV: believedMs, then what there is */
const enlist = `${PRELUDE}
local until_ = int(now() + num(ARGV[1]))
for i = 2, #ARGV do redis.call('ZADD', KEYS[1], until_, ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
`;

/** KEYS: counted sessions */
const count = `${PRELUDE}
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', int(now()))
return redis.call('ZCARD', KEYS[1])
`;

/** KEYS: holder of a foreign id. ARGV: session, believedMs. Answers who had it before, if somebody else. */
const claimForeign = `
local before = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
if before and before ~= ARGV[1] then return before end
`;

/** KEYS: holder of a foreign id. ARGV: session, believedMs, heir (empty: none) */
const releaseForeign = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return end
if ARGV[3] == '' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[2]) end
`;

/** KEYS: question (empty until it is answered). ARGV: ttl */
const openAsk = `
redis.call('SET', KEYS[1], '', 'PX', ARGV[1])
`;

/** KEYS: question, channel. ARGV: PUBLISH or SPUBLISH, json */
const answerAsk = `
if redis.call('GET', KEYS[1]) ~= '' then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
redis.call(ARGV[1], KEYS[2], '')
return 1
`;

export const REGISTRY_SCRIPTS = {
  beat,
  retire,
  index,
  schedule,
  scheduleSooner,
  claim,
  settle,
  once,
  hit,
  lease,
  release,
  admit,
  enlist,
  count,
  claimForeign,
  releaseForeign,
  openAsk,
  answerAsk,
} as const;
