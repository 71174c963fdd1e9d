-- Replace what is known of a load, and forget all that ended but the latest.
-- KEYS: loads   ARGV: id, JSON of the load, how many that ended to keep
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
local held, ended = redis.call('HGETALL', KEYS[1]), {}
for i = 1, #held, 2 do
  local whole, load = pcall(cjson.decode, held[i + 1])
  -- What is damaged stays, for people to see.
  if whole and type(load) == 'table' and type(load.ended) == 'number' and load.ended > 0 then
    ended[#ended + 1] = {load.ended, held[i]}
  end
end
table.sort(ended, function(one, other)
  if one[1] ~= other[1] then
    return one[1] > other[1]
  end
  return one[2] > other[2]
end)
for i = tonumber(ARGV[3]) + 1, #ended do
  redis.call('HDEL', KEYS[1], ended[i][2])
end
