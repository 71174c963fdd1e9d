-- Write a batch: everything or, if the unit has moved on, nothing.
-- KEYS: meta, outbox, then the keys that the groups name by their number.
-- ARGV: version, applied ('' leaves it), watermark ('' leaves it), produced, outbox entry ('' for none), then groups:
--       command, number of the key, number of arguments, arguments…
-- Answers the new version, or -1 when fenced.
local version = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
if version ~= tonumber(ARGV[1]) then
  return -1
end
version = version + 1
redis.call('HSET', KEYS[1], 'version', version)
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'applied', ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'watermark', ARGV[3])
end
local produced = tonumber(ARGV[4])
if produced > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', produced)
end
if ARGV[5] ~= '' then
  redis.call('ZADD', KEYS[2], version, version .. ':' .. ARGV[5])
end
local i = 6
while i <= #ARGV do
  local command, key, n = ARGV[i], KEYS[tonumber(ARGV[i + 1])], tonumber(ARGV[i + 2])
  i = i + 3
  redis.call(command, key, unpack(ARGV, i, i + n - 1))
  i = i + n
end
return version
