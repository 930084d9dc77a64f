import { PRELUDE } from './prelude';

/**
 * KEYS: state (hash), members (hash: session -> `order|role|attempt|kind|inCall|flags|patched|json`), log (list of
 * `seq\nms\nexcept\njson`), channel, transient values (hash: key -> `expires at|json`), their deadlines (zset),
 * documents (hash: `d:<name>`, and `p` for the properties -> `order|json`). ARGV: 1 PUBLISH or SPUBLISH, 2 log messages, 3 log bytes, 4 keepMs, 5 ttl, 6 a name for a new generation.
 * Scripts that take members in or out have an eighth key; see peer-scripts.ts.
 * The state: gen, born (ms), peers (number of the last coming or going), seq, floor, bytes, last (order), serial, weight (of the transient values), closing, closed, and the policy: version, type, locked, capacity,
 * password, hostKey.
 */
export const ROOM = `${PRELUDE}
local ST, MEM, LOG, CH, TR, EXP, DOC = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]
local PUB = ARGV[1]
local s = get(ST, 'gen', 'seq', 'floor', 'bytes', 'last', 'closing', 'closed', 'version', 'type', 'locked', 'capacity',
  'password', 'hostKey')
local function touch()
  for i = 1, #KEYS do if i ~= 4 then redis.call('PEXPIRE', KEYS[i], ARGV[5]) end end
end
local function ensure()
  if s.gen then return end
  s.gen = ARGV[6]
  s.seq, s.floor, s.bytes, s.last = '0', '0', '0', '0'
  redis.call('DEL', MEM, LOG, TR, EXP, DOC)
  redis.call('HDEL', ST, 'weight')
  redis.call('HSET', ST, 'gen', s.gen, 'seq', '0', 'floor', '0', 'bytes', '0', 'last', '0', 'born',
    int(now()))
  touch()
end
local function append(json, except)
  local t = now()
  local seq, floor, bytes = num(s.seq) + 1, num(s.floor), num(s.bytes) + #json
  local count = redis.call('RPUSH', LOG, int(seq) .. '\\n' .. int(t) .. '\\n' .. except .. '\\n' .. json)
  if count == 1 then touch() end
  while count > 1 do
    local head = redis.call('LINDEX', LOG, 0)
    local hseq, at, body = string.match(head, '^(%d+)\\n(%d+)\\n[^\\n]*\\n()')
    if count <= num(ARGV[2]) and bytes <= num(ARGV[3]) and t - num(at) <= num(ARGV[4]) then break end
    redis.call('LPOP', LOG)
    floor, bytes, count = num(hseq), bytes - (#head - body + 1), count - 1
  end
  s.seq, s.floor, s.bytes = int(seq), int(floor), int(bytes)
  redis.call('HSET', ST, 'seq', s.seq, 'floor', s.floor, 'bytes', s.bytes)
  redis.call(PUB, CH, s.gen .. '\\n' .. s.seq .. '\\n' .. except .. '\\n' .. json)
end
local function parse(value)
  local order, role, attempt, kind, call, flags, patched, json =
    string.match(value, '^(%d+)|(%a+)|(%d+)|(%a+)|(%d*)|(%d*)|(%d+)|(.*)$')
  return {order = num(order), role = role, attempt = attempt, kind = kind, call = call, flags = flags,
    patched = num(patched), json = json}
end
local function json_of(id, m)
  return string.sub(m.json, 1, -2) .. ',"sessionId":' .. quoted(id) .. ',"order":' .. int(m.order) ..
    ',"role":"' .. m.role .. '"' .. (m.call ~= '' and ',"inCall":' .. m.call or '') ..
    (m.flags ~= '' and ',"flags":' .. m.flags or '') .. '}'
end
local function put(id, m)
  redis.call('HSET', MEM, id, int(m.order) .. '|' .. m.role .. '|' .. m.attempt .. '|' .. m.kind .. '|' .. m.call ..
    '|' .. m.flags .. '|' .. int(m.patched) .. '|' .. m.json)
end
local function tell_members(kind, id, m)
  append('{"kind":"' .. kind .. '","members":[' .. json_of(id, m) .. ']}', '')
end
local function set_role(id, m, role)
  m.role = role
  put(id, m)
  tell_members('changed', id, m)
end
-- The host, or the longest present person when 'people' is set and there is none.
local function leader(people)
  local id, found
  local all = redis.call('HGETALL', MEM)
  for i = 1, #all, 2 do
    local m = parse(all[i + 1])
    if m.role == 'host' then return all[i], m, true end
    if people and (m.kind == 'client' or m.kind == 'federation') and (not found or m.order < found.order) then
      id, found = all[i], m
    end
  end
  return id, found, false
end
-- Takes newer rules only. at: index of version, type, locked, capacity, password, hostKey in ARGV
local function rules(at)
  local known = s.version
  if known and num(known) >= num(ARGV[at]) then return end
  local seen = known and (s.type ~= ARGV[at + 1] or s.locked ~= ARGV[at + 2])
  s.version, s.type, s.locked = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  s.capacity, s.password, s.hostKey = ARGV[at + 3], ARGV[at + 4], ARGV[at + 5]
  redis.call('HSET', ST, 'version', s.version, 'type', s.type, 'locked', s.locked, 'capacity', s.capacity,
    'password', s.password, 'hostKey', s.hostKey)
  if seen then
    append('{"kind":"room-changed","properties":{"locked":' .. (s.locked == '1' and 'true' or 'false') ..
      ',"type":"' .. s.type .. '"}}', '')
  end
end
local function policy()
  if not s.version then return {} end
  return {s.version, s.type, s.locked, s.capacity, s.password, s.hostKey}
end
-- Text after the number it is kept with.
local function number_and_json(value) return string.match(value or '', '^(%d+)|(.*)$') end
local function drop_transient(key)
  local _, old = number_and_json(redis.call('HGET', TR, key))
  if old then redis.call('HINCRBY', ST, 'weight', int(-#key - #old)) end
  redis.call('HDEL', TR, key)
  redis.call('ZREM', EXP, key)
  if not old then return end
  append('{"kind":"transient","change":"remove","key":' .. quoted(key) .. ',"oldValue":' .. old .. '}', '')
end
local function expire()
  if not s.gen or s.closed then return end
  for _, key in ipairs(redis.call('ZRANGEBYSCORE', EXP, '-inf', int(now()))) do drop_transient(key) end
end
-- An equal value with another deadline is news for replicas only.
local function set_transient(key, json, expires)
  local due, old = number_and_json(redis.call('HGET', TR, key))
  if old == json and due == expires then return end
  redis.call('HSET', TR, key, expires .. '|' .. json)
  redis.call('HINCRBY', ST, 'weight', int(#json - (old and #old or -#key)))
  if expires == '0' then redis.call('ZREM', EXP, key) else redis.call('ZADD', EXP, expires, key) end
  redis.call('PEXPIRE', TR, ARGV[5])
  redis.call('PEXPIRE', EXP, ARGV[5])
  append('{"kind":"transient","change":"set","key":' .. quoted(key) .. ',"value":' .. json ..
    (old and ',"oldValue":' .. old or '') .. (expires ~= '0' and ',"expiresAt":' .. expires or '') .. '}',
    old == json and '*' or '')
end
-- Takes only newer orders. Answers whether it did, and what was there.
local function put_ordered(name, order, json)
  local known, old = number_and_json(redis.call('HGET', DOC, name))
  if known and num(known) >= num(order) then return false, old end
  redis.call('HSET', DOC, name, order .. '|' .. json)
  redis.call('PEXPIRE', DOC, ARGV[5])
  return true, old
end
local function set_properties(order, json)
  local taken, old = put_ordered('p', order, json)
  if not taken or old == json then return 0 end
  append('{"kind":"room-changed","properties":' .. json .. ',"order":' .. order .. '}', '')
  return 1
end
local function extras() return redis.call('HGET', DOC, 'p') or '', redis.call('HGETALL', TR) end
`;
