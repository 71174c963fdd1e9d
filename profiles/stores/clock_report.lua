-- Replace the reports of source partitions, except where a later one is held.
-- KEYS: heads   ARGV: for each (place, done, report as msgpack, an array that begins with done)
for i = 1, #ARGV, 3 do
  local held = redis.call('HGET', KEYS[1], ARGV[i])
  if not held or cmsgpack.unpack(held)[1] <= tonumber(ARGV[i + 1]) then
    redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 2])
  end
end
