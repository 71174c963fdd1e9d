-- Write a batch: everything or, if the unit has moved on, nothing.
-- KEYS: meta, outbox, then the keys that the groups name by their number.
-- ARGV: version, applied ('' leaves it), watermark ('' leaves it), produced, outbox entry ('' for none), and the groups
--       as one msgpack: [[command, number of the key, [argument…]]…], origins, ahead and arrival_rates ('' leaves them),
--       nonce of the version's commit ('*' for any), nonce of this one; then
--       whatever is binary, which an argument [n] stands for. Packing thousands of arguments one by one would cost the worker more than the rest of a commit.
-- Answers the new version, or -1 when fenced.

-- Counts of days, each as day, field, number: a newer day takes the place of the one that a key is of.
local function moved(key, counts)
  local held = tonumber(redis.call('HGET', key, 'day') or '-2')
  for i = 1, #counts, 3 do
    local day = counts[i]
    if day > held then
      redis.call('DEL', key)
      redis.call('HSET', key, 'day', day)
      held = day
    end
    if day == held then
      redis.call('HINCRBY', key, counts[i + 1], counts[i + 2])
    end
  end
end

local held = redis.call('HMGET', KEYS[1], 'version', 'nonce')
local version, nonce = tonumber(held[1] or '0'), held[2] or ''
if nonce == ARGV[11] then
  return version -- its answer was lost on the way
end
if version ~= tonumber(ARGV[1]) or (ARGV[10] ~= '*' and ARGV[10] ~= nonce) then
  return -1
end
-- Redis refuses a script's first write when it is full, and none after it: so the first is one that it would refuse.
redis.call('HSETNX', KEYS[1], 'version', version)
version = version + 1
local produced = tonumber(ARGV[4])
if produced > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', produced)
end
if ARGV[5] ~= '' then
  redis.call('ZADD', KEYS[2], version, version .. ':' .. ARGV[5])
end
for _, group in ipairs(cmsgpack.unpack(ARGV[6])) do
  local arguments = group[3]
  if group[1] == 'HSET' then
    for i, argument in ipairs(arguments) do
      if type(argument) == 'table' then
        arguments[i] = ARGV[argument[1]]
      end
    end
  end
  if group[1] == 'MOVED' then
    moved(KEYS[group[2]], arguments)
  else
    redis.call(group[1], KEYS[group[2]], unpack(arguments))
  end
end
-- Last, so that a command that fails leaves the batch unapplied, to be written again as a whole.
redis.call('HSET', KEYS[1], 'version', version, 'nonce', ARGV[11])
if ARGV[2] ~= '' then
  redis.call('HSET', KEYS[1], 'applied', ARGV[2])
end
if ARGV[3] ~= '' then
  redis.call('HSET', KEYS[1], 'watermark', ARGV[3])
end
if ARGV[7] ~= '' then
  redis.call('HSET', KEYS[1], 'origins', ARGV[7], 'ahead', ARGV[8], 'arrival_rates', ARGV[9])
end
return version
