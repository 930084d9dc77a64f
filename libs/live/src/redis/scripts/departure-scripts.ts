import { PRELUDE } from './prelude';

/** KEYS: due (zset by time), notes (hash: key -> `token\njson`). A token that ends with `*` belongs to a taken note. */
const DEPARTURE = `${PRELUDE}
local DUE, NOTES = KEYS[1], KEYS[2]
local function token_of(key) return string.match(redis.call('HGET', NOTES, key) or '', '^([^\\n]*)\\n') end
local function due(key, inMs) redis.call('ZADD', DUE, int(now() + num(inMs)), key) end
local function take(key, inMs)
  local token, json = string.match(redis.call('HGET', NOTES, key) or '', '^([^\\n]*)\\n(.*)$')
  if not token then return end
  if string.sub(token, -1) ~= '*' then token = token .. '*' end
  redis.call('HSET', NOTES, key, token .. '\\n' .. json)
  due(key, inMs)
  return token, json
end
`;

/** ARGV: key, token, json, inMs, ttl */
const note = `${DEPARTURE}
local known = token_of(ARGV[1])
if known == ARGV[2] or known == ARGV[2] .. '*' then return end
redis.call('HSET', NOTES, ARGV[1], ARGV[2] .. '\\n' .. ARGV[3])
due(ARGV[1], ARGV[4])
redis.call('PEXPIRE', DUE, ARGV[5])
redis.call('PEXPIRE', NOTES, ARGV[5])
`;

/** ARGV: key, token */
const hasten = `${DEPARTURE}
if token_of(ARGV[1]) == ARGV[2] then due(ARGV[1], 0) end
`;

/** ARGV: key, token, for how long */
const take = `${DEPARTURE}
if token_of(ARGV[1]) ~= ARGV[2] then return end
local token = take(ARGV[1], ARGV[3])
return token
`;

/** ARGV: limit, for how long. Answers key, token, json, ... */
const claim = `${DEPARTURE}
local answer = {}
for _, key in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', int(now()), 'LIMIT', 0, ARGV[1])) do
  local token, json = take(key, ARGV[2])
  if token then for _, part in ipairs({key, token, json}) do answer[#answer + 1] = part end
  else redis.call('ZREM', DUE, key) end
end
return answer
`;

/** ARGV: key, token */
const settle = `${DEPARTURE}
if token_of(ARGV[1]) ~= ARGV[2] then return end
redis.call('HDEL', NOTES, ARGV[1])
redis.call('ZREM', DUE, ARGV[1])
`;

export const DEPARTURE_SCRIPTS = { note, hasten, take, claim, settle } as const;
