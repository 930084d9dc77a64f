import { LOG_LIMITS } from '../../port';

/** What the server's clock says, in milliseconds, as `t`. */
export const CLOCK = `local time = redis.call('TIME')
  local t = time[1] * 1000 + math.floor(time[2] / 1000)`;

/**
 * Lua that scripts begin with. Payloads are never decoded here: cjson cannot tell `[]` from `{}`, and concatenation is
 * cheaper. Numbers are written by `int`, because Lua prints large ones in exponents.
 */
export const PRELUDE = `
local function now()
  ${CLOCK}
  return t
end
local function num(v) return tonumber(v or 0) or 0 end
local function int(n) return string.format('%.0f', n) end
local function quoted(s) return cjson.encode(s) end
local function get(key, ...)
  local values = redis.call('HMGET', key, ...)
  local fields = {...}
  local answer = {}
  for i, field in ipairs(fields) do if values[i] then answer[field] = values[i] end end
  return answer
end
`;

/** How many entries of a log that is full go at a time: so that not every message has to make room for itself. */
export const STRIDE = LOG_LIMITS.slack;
