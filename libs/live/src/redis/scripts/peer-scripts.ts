import { PEER_LIMITS } from '../../limits';
import { ROOM } from './room-prelude';

/**
 * For scripts that take members in or out. KEYS: 8 comings and goings (list of `ms|kind|order|session\nwho`, kind being
 * `j` joined, `h` joined as host, `l` left; numbered without gaps up to `peers` of the state).
 */
export const PEERS = `${ROOM}
local PEERS = KEYS[8]
local function note_peer(kind, id, order, who)
  local n = redis.call('HINCRBY', ST, 'peers', 1)
  -- What may be left of another generation has other numbers.
  if n == 1 then redis.call('DEL', PEERS) end
  local t = now()
  local count = redis.call('RPUSH', PEERS, int(t) .. '|' .. kind .. '|' .. int(order) .. '|' .. id .. '\\n' .. who)
  if count == 1 then redis.call('PEXPIRE', PEERS, ARGV[5]) end
  while count > 1 do
    if count <= ${PEER_LIMITS.changes} then
      local at = string.match(redis.call('LINDEX', PEERS, 0), '^(%d+)')
      if t - num(at) <= ${PEER_LIMITS.keepMs} then break end
    end
    redis.call('LPOP', PEERS)
    count = count - 1
  end
  return {n, int(t)}
end
local function note_came(id, m, who) return note_peer(m.role == 'host' and 'h' or 'j', id, m.order, who) end
`;

/** ARGV: 7 generation (empty: the present one; `-`: only who is in), 8 after. Begins the room's generation if need be. */
const peerNews = `${PEERS}
ensure()
local last = num(redis.call('HGET', ST, 'peers'))
local floor = last - redis.call('LLEN', PEERS)
local known = ARGV[7] == '' or ARGV[7] == s.gen
local from = known and num(ARGV[8]) or 0
local reaches = from >= floor and from <= last
local entries = {}
if reaches and ARGV[7] ~= '-' then entries = redis.call('LRANGE', PEERS, int(from - floor), -1) end
local members = known and reaches and {} or redis.call('HGETALL', MEM)
return {s.gen, last, int(now()), redis.call('HGET', ST, 'born') or '0', reaches and 1 or 0, entries,
  known and reaches and 0 or 1, members}
`;

export const PEER_SCRIPTS = { peerNews } as const;

/** Scripts of rooms that have the room's comings and goings among their keys. */
export const TAKES_PEERS = ['join', 'leave', 'announce', 'finishClosing', 'peerNews'] as const;
