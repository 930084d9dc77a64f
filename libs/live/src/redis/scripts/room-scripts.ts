import { PRELUDE } from './prelude';

/**
 * KEYS: state (hash), members (hash: session -> `order|role|attempt|kind|json`), log (list of `seq\nms\nexcept\njson`),
 * channel. ARGV: 1 PUBLISH or SPUBLISH, 2 log messages, 3 log bytes, 4 keepMs, 5 ttl, 6 a name for a new generation.
 * The state: gen, seq, floor, bytes, last (order), closing, closed, and the policy: version, type, locked, capacity,
 * password, hostKey.
 */
const ROOM = `${PRELUDE}
local ST, MEM, LOG, CH, PUB = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local s = get(ST, 'gen', 'seq', 'floor', 'bytes', 'last', 'closing', 'closed', 'version', 'type', 'locked', 'capacity',
  'password', 'hostKey')
local function touch()
  redis.call('PEXPIRE', ST, ARGV[5])
  redis.call('PEXPIRE', MEM, ARGV[5])
  redis.call('PEXPIRE', LOG, ARGV[5])
end
local function ensure()
  if s.gen then return end
  s.gen = ARGV[6]
  s.seq, s.floor, s.bytes, s.last = '0', '0', '0', '0'
  redis.call('DEL', MEM, LOG)
  redis.call('HSET', ST, 'gen', s.gen, 'seq', '0', 'floor', '0', 'bytes', '0', 'last', '0')
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
  local order, role, attempt, kind, json = string.match(value, '^(%d+)|(%a+)|(%d+)|(%a+)|(.*)$')
  return {order = num(order), role = role, attempt = attempt, kind = kind, json = json}
end
local function json_of(id, m)
  return string.sub(m.json, 1, -2) .. ',"sessionId":' .. quoted(id) .. ',"order":' .. int(m.order) ..
    ',"role":"' .. m.role .. '"}'
end
local function put(id, m)
  redis.call('HSET', MEM, id, int(m.order) .. '|' .. m.role .. '|' .. m.attempt .. '|' .. m.kind .. '|' .. m.json)
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
`;

/** ARGV: 7-12 policy, 13 session, 14 attempt, 15 role, 16 password version, 17 passes the lock, 18 kind, 19 json */
const join = `${ROOM}
ensure()
if s.closing then return {'room_closing'} end
rules(7)
local id = ARGV[13]
local again = redis.call('HGET', MEM, id)
if again then
  local m = parse(again)
  if ARGV[14] ~= '0' then m.attempt = ARGV[14]; put(id, m) end
else
  if s.locked == '1' and ARGV[17] ~= '1' then return {'room_locked'} end
  if ARGV[16] ~= 'exempt' and ARGV[16] ~= s.password then return {'wrong_password'} end
  if redis.call('HLEN', MEM) >= num(s.capacity) then return {'room_full'} end
  local role = ARGV[15]
  if role == 'by-arrival' then
    role = 'guest'
    if s.hostKey ~= '1' then
      local _, _, host = leader(false)
      if not host then role = 'host' end
    end
  end
  local order = math.max(num(s.last) + 1, now())
  s.last = int(order)
  redis.call('HSET', ST, 'last', s.last)
  local m = {order = order, role = role, attempt = ARGV[14], kind = ARGV[18], json = ARGV[19]}
  put(id, m)
  touch()
  tell_members('joined', id, m)
end
return {'joined', s.gen, s.seq, again and '1' or '0', redis.call('HGETALL', MEM)}
`;

/** ARGV: 7 session, 8 attempt (empty: any). Answers removed, empty. */
const leave = `${ROOM}
local id = ARGV[7]
local value = redis.call('HGET', MEM, id)
if not s.gen or s.closed or not value then return {0, 0} end
local m = parse(value)
if ARGV[8] ~= '' and ARGV[8] ~= m.attempt then return {0, 0} end
redis.call('HDEL', MEM, id)
append('{"kind":"left","sessionIds":[' .. quoted(id) .. ']}', '')
if m.role == 'host' and s.hostKey ~= '1' then
  local next_id, next_member, host = leader(true)
  if next_id and not host then set_role(next_id, next_member, 'host') end
end
return {1, redis.call('HLEN', MEM) == 0 and 1 or 0}
`;

/** ARGV: 7 json, 8 except */
const append = `${ROOM}
if not s.gen or s.closed then return 0 end
append(ARGV[7], ARGV[8])
return 1
`;

/** ARGV: 7 generation, 8 after */
const read = `${ROOM}
if not s.gen then return end
local from = 0
if s.gen == ARGV[7] then from = num(ARGV[8]) end
local reaches = from >= num(s.floor) and from <= num(s.seq)
local entries = reaches and redis.call('LRANGE', LOG, int(from - num(s.floor)), -1) or {}
return {s.gen, s.seq, reaches and 1 or 0, entries, redis.call('HGETALL', MEM), policy()}
`;

/** ARGV: 7-12 policy, 13 generation, then per member: session, order, role, kind, json */
const announce = `${ROOM}
ensure()
if s.closed then return end
rules(7)
if s.gen ~= ARGV[13] then
  for i = 14, #ARGV, 5 do
    local id = ARGV[i]
    if redis.call('HEXISTS', MEM, id) == 0 then
      local m = {order = num(ARGV[i + 1]), role = ARGV[i + 2], attempt = '0', kind = ARGV[i + 3], json = ARGV[i + 4]}
      if m.role == 'host' and s.hostKey ~= '1' then
        local other_id, other, host = leader(false)
        if host and other.order < m.order then m.role = 'guest'
        elseif host then set_role(other_id, other, 'guest') end
      end
      if m.order > num(s.last) then s.last = int(m.order); redis.call('HSET', ST, 'last', s.last) end
      put(id, m)
      tell_members('joined', id, m)
    end
  end
end
touch()
return {s.gen, s.seq}
`;

/** ARGV: 7-12 policy */
const policy = `${ROOM}
ensure()
if not s.closed then rules(7) end
`;

/** ARGV: 7 force */
const beginClosing = `${ROOM}
ensure()
if not s.closing and ARGV[7] ~= '1' and redis.call('HLEN', MEM) > 0 then return 'occupied' end
redis.call('HSET', ST, 'closing', '1')
return 'closing'
`;

const undoClosing = `${ROOM}
if s.gen and not s.closed then redis.call('HDEL', ST, 'closing') end
`;

/** ARGV: 7 tombstone ttl */
const finishClosing = `${ROOM}
ensure()
if s.closed then return end
append('{"kind":"room-closed"}', '')
redis.call('HSET', ST, 'closed', '1', 'closing', '1')
redis.call('DEL', MEM)
redis.call('PEXPIRE', ST, ARGV[7])
redis.call('PEXPIRE', LOG, ARGV[7])
`;

export const ROOM_SCRIPTS = {
  join,
  leave,
  append,
  read,
  announce,
  policy,
  beginClosing,
  undoClosing,
  finishClosing,
} as const;
