-- Count events of a source that came late.
-- KEYS: late   ARGV: source, how many, time of the oldest, now
local count, oldest, last = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local held = redis.call('HGET', KEYS[1], ARGV[1])
if held then
  local before = cmsgpack.unpack(held)
  count, oldest, last = count + before[1], math.min(oldest, before[2]), math.max(last, before[3])
end
redis.call('HSET', KEYS[1], ARGV[1], cmsgpack.pack({count, oldest, last}))
