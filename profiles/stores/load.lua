-- Read what a batch needs, in one round trip.
-- KEYS: meta, profiles, timers   ARGV: due_by ('' for none), limit, msgpack of the profile ids
-- Answers {version, applied, watermark, {due id, when, …}, {id, document, …}, origins, ahead, arrival_rates, nonce}
local meta = redis.call('HMGET', KEYS[1], 'version', 'applied', 'watermark', 'origins', 'ahead', 'arrival_rates', 'nonce')
local due = {}
if ARGV[1] ~= '' then
  due = redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', 0, ARGV[2])
end
local wanted, ids = {}, cmsgpack.unpack(ARGV[3])
for _, id in ipairs(ids) do
  wanted[id] = true
end
for i = 1, #due, 2 do
  if not wanted[due[i]] then
    wanted[due[i]] = true
    ids[#ids + 1] = due[i]
  end
end
local documents = {}
for from = 1, #ids, 1000 do
  local chunk = {unpack(ids, from, math.min(from + 999, #ids))}
  local found = redis.call('HMGET', KEYS[2], unpack(chunk))
  for i = 1, #chunk do
    if found[i] then
      documents[#documents + 1] = chunk[i]
      documents[#documents + 1] = found[i]
    end
  end
end
return {
  meta[1] or '0', meta[2] or '-1', meta[3] or '0', due, documents, meta[4] or '', meta[5] or '', meta[6] or '',
  meta[7] or '',
}
