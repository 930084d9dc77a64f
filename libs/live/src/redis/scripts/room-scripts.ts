import { PEER_SCRIPTS, PEERS } from './peer-scripts';
import { CLOCK, STRIDE } from './prelude';
import { ROOM } from './room-prelude';

/** ARGV: 7-12 policy, 13 session, 14 attempt (0: only if it is in), 15 role, 16 password version, 17 passes the lock, 18 kind, 19 json, 20 inCall, 21 flags, 22 properties (empty: none), 23 who comes */
const join = `${PEERS}
ensure()
if s.closing then return {'room_closing'} end
rules(7)
expire()
local id = ARGV[13]
local function adopt()
  if ARGV[22] ~= '' and redis.call('HEXISTS', DOC, 'p') == 0 then set_properties('0', ARGV[22]) end
end
local again = redis.call('HGET', MEM, id)
if not again and ARGV[14] == '0' then return {'not_in'} end
local noted = {}
if again then
  local m = parse(again)
  -- A join that is carried out late does not make the member its own.
  if ARGV[14] == '0' or num(ARGV[14]) >= num(m.attempt) then
    if ARGV[14] ~= '0' then m.attempt = ARGV[14] end
    m.json = ARGV[19]
    put(id, m)
  end
  adopt()
else
  if s.locked == '1' and ARGV[17] ~= '1' then return {'room_locked'} end
  if ARGV[16] ~= 'exempt' and ARGV[16] ~= s.password then return {'wrong_password'} end
  if redis.call('HLEN', MEM) >= num(s.capacity) then return {'room_full'} end
  adopt()
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
  local m = {order = order, role = role, attempt = ARGV[14], kind = ARGV[18], json = ARGV[19],
    call = ARGV[20], flags = ARGV[21], patched = 0}
  put(id, m)
  noted = note_came(id, m, ARGV[23])
  touch()
  tell_members('joined', id, m)
end
return {'joined', s.gen, s.seq, again and '1' or '0', noted, redis.call('HGETALL', MEM), extras()}
`;

/** ARGV: 7 session, 8 attempt (empty: any; 0 was given back after a loss). Answers removed, empty, the member's JSON, generation, order, number and time. */
const leave = `${PEERS}
local id = ARGV[7]
local value = redis.call('HGET', MEM, id)
if not s.gen or s.closed or not value then return {0, 0} end
local m = parse(value)
if ARGV[8] ~= '' and ARGV[8] ~= m.attempt and m.attempt ~= '0' then return {0, 0} end
redis.call('HDEL', MEM, id)
redis.call('HDEL', DOC, 'd:of:' .. id)
local noted = note_peer('l', id, m.order, '')
append('{"kind":"left","sessionIds":[' .. quoted(id) .. ']}', '')
if m.role == 'host' and s.hostKey ~= '1' then
  local next_id, next_member, host = leader(true)
  if next_id and not host then set_role(next_id, next_member, 'host') end
end
local empty = redis.call('HLEN', MEM) == 0
if empty then
  redis.call('DEL', TR, EXP)
  redis.call('HDEL', ST, 'weight')
else drop_transient('sd:' .. id) end
return {1, empty and 1 or 0, m.json, s.gen, int(m.order), noted}
`;

/**
 * KEYS: state. ARGV: PUBLISH or SPUBLISH, json, except, `messages bytes keepMs ttl`. Does what `append` of
 * {@link ROOM} does, without all that a message does not need; what is too much goes {@link STRIDE} at a time.
 */
const append = `
local ST, PUB, json = KEYS[1], ARGV[1], ARGV[2]
local s = redis.call('HMGET', ST, 'gen', 'seq', 'bytes', 'closed')
if not s[1] or s[4] then return 0 end
local at = string.sub(ST, 1, -3)
local LOG, except = at .. 'log', ARGV[3]
${CLOCK}
local seq, bytes = s[2] + 1, s[3] + #json
local count = redis.call('RPUSH', LOG, seq .. '\\n' .. t .. '\\n' .. except .. '\\n' .. json)
local messages, size, keep, ttl = string.match(ARGV[4], '^(%d+) (%d+) (%d+) (%d+)$')
messages, size, keep = tonumber(messages), tonumber(size), tonumber(keep)
local floor, many = seq - count, count > messages
if count == 1 then
  for _, name in ipairs({'st', 'mem', 'log', 'tr', 'exp', 'doc'}) do redis.call('PEXPIRE', at .. name, ttl) end
elseif many or bytes > size or seq % ${STRIDE} == 0 then
  local look = many and ${STRIDE - 1} or 0
  repeat
    local gone = 0
    for _, head in ipairs(redis.call('LRANGE', LOG, 0, look)) do
      local since, body = string.match(head, '^%d+\\n(%d+)\\n[^\\n]*\\n()')
      local over = many or count - gone > messages or bytes > size or t - since > keep
      if not over or count - gone == 1 then break end
      gone, bytes = gone + 1, bytes - (#head - body + 1)
    end
    many, look = false, ${STRIDE - 1}
    if gone > 0 then redis.call('LTRIM', LOG, gone, -1) end
    floor, count = floor + gone, count - gone
  until gone == 0
end
redis.call('HSET', ST, 'seq', seq, 'floor', floor, 'bytes', bytes)
redis.call(PUB, at .. 'ch', s[1] .. '\\n' .. seq .. '\\n' .. except .. '\\n' .. json)
return 1
`;

/** ARGV: 7 generation, 8 after */
const read = `${ROOM}
if not s.gen then return end
expire()
local from = 0
if s.gen == ARGV[7] then from = num(ARGV[8]) end
local reaches = from >= num(s.floor) and from <= num(s.seq)
local entries = reaches and redis.call('LRANGE', LOG, int(from - num(s.floor)), -1) or {}
return {s.gen, s.seq, reaches and 1 or 0, entries, redis.call('HGETALL', MEM), policy(), extras()}
`;

/** ARGV: 7-12 policy, 13 generation, then per member: session, order, role, kind, inCall, flags, json, who */
const announce = `${PEERS}
ensure()
if s.closed then return end
rules(7)
if s.gen ~= ARGV[13] then
  for i = 14, #ARGV, 8 do
    local id = ARGV[i]
    if redis.call('HEXISTS', MEM, id) == 0 then
      local m = {order = num(ARGV[i + 1]), role = ARGV[i + 2], attempt = '0', kind = ARGV[i + 3], call = ARGV[i + 4],
        flags = ARGV[i + 5], patched = 0, json = ARGV[i + 6]}
      if m.role == 'host' and s.hostKey ~= '1' then
        local other_id, other, host = leader(false)
        if host and other.order < m.order then m.role = 'guest'
        elseif host then set_role(other_id, other, 'guest') end
      end
      if m.order > num(s.last) then s.last = int(m.order); redis.call('HSET', ST, 'last', s.last) end
      put(id, m)
      note_came(id, m, ARGV[i + 7])
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
const finishClosing = `${PEERS}
ensure()
if s.closed then return end
local all = redis.call('HGETALL', MEM)
for i = 1, #all, 2 do note_peer('l', all[i], parse(all[i + 1]).order, '') end
append('{"kind":"room-closed"}', '')
redis.call('HSET', ST, 'closed', '1', 'closing', '1')
redis.call('DEL', MEM, TR, EXP, DOC)
redis.call('PEXPIRE', ST, ARGV[7])
redis.call('PEXPIRE', LOG, ARGV[7])
redis.call('PEXPIRE', PEERS, ARGV[7])
`;

export const ROOM_SCRIPTS = {
  ...PEER_SCRIPTS,
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
