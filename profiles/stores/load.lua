-- Read what a batch needs, in one round trip.
-- KEYS: meta, profiles, timers, companies   ARGV: due_by ('' for none), limit, msgpack of the profile ids
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
local customers, companies = {}, {}
for _, id in ipairs(ids) do
  local list = string.byte(id) == 126 and companies or customers -- a company's begins with ~
  list[#list + 1] = id
end
local documents = {}
local function read(key, list)
  for from = 1, #list, 1000 do
    local chunk = {unpack(list, from, math.min(from + 999, #list))}
    local found = redis.call('HMGET', key, unpack(chunk))
    for i = 1, #chunk do
      if found[i] then
        documents[#documents + 1] = chunk[i]
        documents[#documents + 1] = found[i]
      end
    end
  end
end
read(KEYS[2], customers)
read(KEYS[4], companies)
return {
  meta[1] or '0', meta[2] or '-1', meta[3] or '0', due, documents, meta[4] or '', meta[5] or '', meta[6] or '',
  meta[7] or '',
}
