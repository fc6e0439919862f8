"""What the governor has Redis do in one step, so that processes cannot come between: two Lua scripts.

Time is Redis' own, and a learned limit is forgotten a day after the last call. Neighbour: ``budget``.
"""

from __future__ import annotations

from typing import Final

TAKE_SCRIPT: Final = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local day = redis.call('GET', KEYS[2])
if day and tonumber(day) >= tonumber(ARGV[3]) then
  return {-1, redis.call('PTTL', KEYS[2])}
end
local seconds_ms = tonumber(ARGV[2])
if seconds_ms == 0 then return {0, 0, 0} end
local learned = redis.call('GET', KEYS[3])
if learned then redis.call('EXPIRE', KEYS[3], 86400) end
local calls = tonumber(learned or ARGV[1])
local room = math.max(1, math.floor(calls * tonumber(ARGV[4]) + 0.5))
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - seconds_ms)
local held = redis.call('ZCARD', KEYS[1])
if held >= room then
  local oldest = redis.call('ZRANGE', KEYS[1], held - room, held - room, 'WITHSCORES')
  return {1, oldest[2] + seconds_ms - now}
end
local pace = tonumber(ARGV[6])
if pace > 0 and held >= math.max(1, math.floor(room * tonumber(ARGV[7]))) then
  local newest = redis.call('ZRANGE', KEYS[1], -1, -1, 'WITHSCORES')
  local wait = tonumber(newest[2]) + math.floor(pace * seconds_ms / room) - now
  if wait > 0 then return {1, wait} end
end
redis.call('ZADD', KEYS[1], now, ARGV[5])
redis.call('PEXPIRE', KEYS[1], seconds_ms)
return {0, held + 1, calls}
"""
"""Keys: window, day, learned limit. Returns -1 or 1 for stopped or to wait, and how many milliseconds; 0 for
taken, how many calls then stand in the window, and of how many.

Args: declared calls, window ms, day share, window share, member, pace (0: none), share free of it.
"""

LEARN_SCRIPT: Final = """
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local calls, remaining, seconds_ms = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
redis.call('SET', KEYS[2], calls, 'EX', 86400)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - seconds_ms)
local missing = calls - remaining - redis.call('ZCARD', KEYS[1])
for i = 1, missing do redis.call('ZADD', KEYS[1], now, ARGV[4] .. ':' .. i) end
if missing > 0 then redis.call('PEXPIRE', KEYS[1], seconds_ms) end
return missing
"""
"""Keys: window, learned limit. Args: calls, remaining, window ms, member prefix."""
