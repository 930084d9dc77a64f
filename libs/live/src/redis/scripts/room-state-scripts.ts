import { ROOM } from './room-prelude';

const nextOrder = `${ROOM}
ensure()
s.serial = int(math.max(num(redis.call('HGET', ST, 'serial')) + 1, now()))
redis.call('HSET', ST, 'serial', s.serial)
return s.serial
`;

/** ARGV: 7 order, 8 json */
const setProperties = `${ROOM}
ensure()
if s.closed then return 0 end
return set_properties(ARGV[7], ARGV[8])
`;

/** ARGV: 7 name (`of:<session>`: goes with that member), 8 order, 9 json */
const putDocument = `${ROOM}
ensure()
if s.closed then return 0 end
local owner = string.match(ARGV[7], '^of:(.*)$')
if owner and redis.call('HEXISTS', MEM, owner) == 0 then return 0 end
return put_ordered('d:' .. ARGV[7], ARGV[8], ARGV[9]) and 1 or 0
`;

/** ARGV: 7 order (empty: any), then per member: session, inCall, flags (empty: as it is) */
const patch = `${ROOM}
if not s.gen or s.closed or redis.call('HLEN', MEM) == 0 then return end
local changed = {}
for i = 8, #ARGV, 3 do
  local id = ARGV[i]
  local value = redis.call('HGET', MEM, id)
  local m = value and parse(value)
  if m and (ARGV[7] == '' or num(ARGV[7]) >= m.patched) then
    if ARGV[7] ~= '' then m.patched = num(ARGV[7]) end
    local call, flags = m.call, m.flags
    if ARGV[i + 1] ~= '' then m.call = ARGV[i + 1] end
    if ARGV[i + 2] ~= '' then m.flags = ARGV[i + 2] end
    put(id, m)
    if m.call ~= call or m.flags ~= flags then changed[#changed + 1] = json_of(id, m) end
  end
end
if #changed > 0 then append('{"kind":"changed","members":[' .. table.concat(changed, ',') .. ']}', '*') end
return redis.call('HGETALL', MEM)
`;

/** ARGV: 7 session, 8 member as json */
const describe = `${ROOM}
if not s.gen or s.closed then return end
local value = redis.call('HGET', MEM, ARGV[7])
local m = value and parse(value)
if not m or m.json == ARGV[8] then return end
m.json = ARGV[8]
put(ARGV[7], m)
tell_members('changed', ARGV[7], m)
`;

/** ARGV: 7 key, 8 json, 9 ttlMs (0: for ever), 10 most keys, 11 most bytes. Answers -1 when the room holds no more. */
const setTransient = `${ROOM}
if not s.gen or s.closed or redis.call('HLEN', MEM) == 0 then return 0 end
expire()
local _, old = number_and_json(redis.call('HGET', TR, ARGV[7]))
local more = #ARGV[8] - (old and #old or -#ARGV[7])
if not old and redis.call('HLEN', TR) >= num(ARGV[10]) then return -1 end
if more > 0 and num(redis.call('HGET', ST, 'weight')) + more > num(ARGV[11]) then return -1 end
set_transient(ARGV[7], ARGV[8], num(ARGV[9]) > 0 and int(now() + num(ARGV[9])) or '0')
return 1
`;

/** ARGV: 7 key */
const removeTransient = `${ROOM}
if not s.gen or s.closed or redis.call('HLEN', MEM) == 0 then return 0 end
expire()
drop_transient(ARGV[7])
return 1
`;

/** Answers in how many milliseconds the next value expires, -1: none does. */
const expireDue = `${ROOM}
expire()
local head = redis.call('ZRANGE', EXP, 0, 0, 'WITHSCORES')
if not head[2] then return -1 end
return math.max(0, num(head[2]) - now())
`;

/** ARGV: 7 generation, 8 how many values, 9 properties (`order|json` or empty), values: key, expires at, json; documents: name, order, json */
const restore = `${ROOM}
if s.gen ~= ARGV[7] or s.closed then return end
local order, json = number_and_json(ARGV[9])
if order then set_properties(order, json) end
local documents = 10 + 3 * num(ARGV[8])
for i = documents, #ARGV, 3 do put_ordered('d:' .. ARGV[i], ARGV[i + 1], ARGV[i + 2]) end
if redis.call('HLEN', MEM) == 0 then return end
for i = 10, documents - 1, 3 do
  if redis.call('HEXISTS', TR, ARGV[i]) == 0 then set_transient(ARGV[i], ARGV[i + 2], ARGV[i + 1]) end
end
expire()
`;

export const ROOM_STATE_SCRIPTS = {
  nextOrder,
  setProperties,
  putDocument,
  patch,
  describe,
  setTransient,
  removeTransient,
  expireDue,
  restore,
} as const;
